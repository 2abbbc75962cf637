"""The limits of the conformance tests let rounding pass, and mistakes not."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from configs import albert_config
from tests.conformance import rounding, table
from tests.support import sampling

CASES = {str(case): case for case in table.CASES}


def _is_right(case, outputs):
    try:
        rounding.assert_outputs_right(case, tf.nest.map_structure(np.float32, outputs))
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("seed", range(100, 104))
def test_other_errors_of_rounding_are_within_the_limits(seed):
    case = CASES["bfloat16-mlm"]
    tensors = table.tensors(table.shared(case))
    assert _is_right(case, rounding.monte_carlo(case.expected, seed)(tensors))


@pytest.mark.parametrize(
    "change", [{"hidden_act": albert_config.GELU_ERF}, {"layer_norm_eps": 1e-5}], ids=str
)
def test_a_wrong_gelu_or_epsilon_is_over_the_limits_of_float32(change):
    case = CASES["tiny-mlm"]
    config = dataclasses.replace(case.artifact.config, **change)
    wrong = dataclasses.replace(case, artifact=dataclasses.replace(case.artifact, config=config))
    tensors = table.tensors(table.shared(case))
    assert _is_right(case, case.expected(tensors))
    assert not _is_right(case, wrong.expected(tensors))


@sampling.parametrize("name", ["tiny-mlm", "bfloat16-mlm"], sample=["tiny-mlm"])
def test_two_swapped_weights_are_over_the_limits(name):
    """Of every pair of equal shape; bfloat16 hides small ones, as biases are."""
    case = CASES[name]
    tensors = table.tensors(table.shared(case))
    chosen = [n for n in tensors if name == "tiny-mlm" or n.endswith(("kernel", "gamma"))]
    for one, other in itertools.combinations(chosen, 2):
        if tensors[one].shape == tensors[other].shape:
            swapped = tensors | {one: tensors[other], other: tensors[one]}
            assert not _is_right(case, case.expected(swapped)), (one, other)
