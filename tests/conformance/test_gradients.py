"""Gradients through restored artifacts: right, complete, and the same however they are asked."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from tests.conformance import rounding, table
from tests.support import sampling


def _is_sampled(case):
    """Returns whether a case runs without --stress; each of these takes four seconds or more."""
    return case in table.SAMPLE and case.artifact.name not in ("two_groups_of_two", "bfloat16")


LARGEST_CASES = sampling.parametrize(
    "case",
    table.LARGEST_CASES,
    sample=[case for case in table.LARGEST_CASES if _is_sampled(case)],
    ids=str,
)
# For the slowest.
ONE_STRUCTURE = sampling.parametrize(
    "case",
    table.STRUCTURES,
    sample=[case for case in table.SAMPLE if str(case) == "erf_no_projection_no_mlm-unpadded"],
    ids=str,
)


def _losses(case, call):
    return case.losses(call(case.inputs(), training=False))


def _dense(gradients):
    """Returns gradients as arrays; those of embeddings come as indices and rows."""
    return [None if g is None else tf.convert_to_tensor(g).numpy() for g in gradients]


@functools.cache
def _single_gradients(case):
    """Returns, by loss, the gradients that one ordinary tape a loss gives."""
    call = table.shared(case)
    gradients = {}
    for loss in case.losses(rounding.right_outputs(case)[0]):
        with tf.GradientTape() as tape:
            value = _losses(case, call)[loss]
        gradients[loss] = _dense(tape.gradient(value, call.trainable_variables))
    return gradients


def _persistent_gradients(case, call, variables, names):
    """Returns pairs of a loss and its gradients, from one persistent tape."""
    with tf.GradientTape(persistent=True) as tape:
        losses = _losses(case, call)
    return [(name, tape.gradient(losses[name], variables)) for name in names]


def _assert_same(case, gradients):
    """Asserts that pairs of a loss and its gradients are what an ordinary tape gives."""
    variables = table.shared(case).trainable_variables
    for loss, found in gradients:
        expected = _single_gradients(case)[loss]
        for variable, got, want in zip(variables, _dense(found), expected, strict=True):
            name = table.name_of(variable)
            if case.depends(loss, name):
                assert got is not None and want is not None, (loss, name)
            got, want = (np.zeros(variable.shape) if g is None else g for g in (got, want))
            # Both are rounded, independently.
            limit = np.sqrt(2) * rounding.gradient_limit(case, loss, name, want)
            assert np.linalg.norm(got - want) <= limit, (loss, name)


@LARGEST_CASES
def test_gradients_equal_finite_differences_of_the_oracle(case):
    call = table.shared(case)
    tensors = table.tensors(call)
    directions = rounding.directions(tensors, seed=1)
    expected = rounding.derivatives(case, case.expected, tensors, directions)
    for loss, gradients in _single_gradients(case).items():
        for (name, direction), got in zip(directions.items(), gradients, strict=True):
            want = expected[loss][name]
            if not case.depends(loss, name):
                assert want == 0, (loss, name)
                continue
            assert got is not None, (loss, name)
            difference = abs(np.sum(got * direction) - want)
            assert difference <= rounding.gradient_limit(case, loss, name, got), (loss, name, want)


@ONE_STRUCTURE
def test_persistent_tape_gives_the_same_gradients_in_eager_mode(case):
    call = table.shared(case)
    names = [*_single_gradients(case), table.FIRST_LAYER]
    _assert_same(case, _persistent_gradients(case, call, call.trainable_variables, names))


@ONE_STRUCTURE
@pytest.mark.stress  # test_training.py trains in a function
def test_persistent_tape_gives_the_same_gradients_in_a_tf_function(case):
    call = table.shared(case)
    # The sum is of all outputs; each more loss would trace the way back once more.
    names = [table.SUM, table.FIRST_LAYER, table.FIRST_LAYER]

    @tf.function(autograph=False)
    def gradients():
        found = _persistent_gradients(case, call, call.trainable_variables, names)
        return [gradient for _, gradient in found]

    _assert_same(case, zip(names, gradients(), strict=True))


@ONE_STRUCTURE
@pytest.mark.stress
def test_persistent_tape_gives_the_same_gradients_through_keras_layer(case):
    layer = hub.KerasLayer(table.shared(case), trainable=True)
    names = [*_single_gradients(case), table.FIRST_LAYER]
    _assert_same(case, _persistent_gradients(case, layer, layer.trainable_weights, names))


@ONE_STRUCTURE
@pytest.mark.stress
def test_gradients_are_the_same_compiled_by_xla(case):
    call = table.shared(case)

    @tf.function(jit_compile=True, autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            loss = _losses(case, call)[table.SUM]
        return tape.gradient(loss, call.trainable_variables)

    _assert_same(case, [(table.SUM, gradients())])


def _second_derivative(case, function, tensors, directions):
    """Returns the second derivative of the sum of losses in a direction of all variables."""
    step = 1e-4
    values = [
        case.losses(
            function({name: tensors[name] + sign * step * d for name, d in directions.items()})
        )[table.SUM]
        for sign in (1, 0, -1)
    ]
    return (values[0] - 2 * values[1] + values[2]) / step**2


@ONE_STRUCTURE
@pytest.mark.stress
def test_second_order_gradients_equal_finite_differences_of_the_oracle(case):
    """In the direction of a random vector v over all variables, v'Hv of the sum of losses."""
    call = table.shared(case)
    variables = call.trainable_variables
    tensors = table.tensors(call)
    # Short: the step goes through all variables at once, and third derivatives grow with it.
    directions = {name: 0.1 * d for name, d in rounding.directions(tensors, seed=2).items()}
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            loss = _losses(case, call)[table.SUM]
        gradients = inner.gradient(loss, variables)
        product = tf.add_n(
            [
                tf.reduce_sum(tf.constant(d, tf.float32) * g)
                for g, d in zip(gradients, directions.values(), strict=True)
            ]
        )
    second = _dense(outer.gradient(product, variables))
    assert all(gradient is not None for gradient in second)
    products = [g * d for g, d in zip(second, directions.values(), strict=True)]

    def derive(function, seed):
        return _second_derivative(case, function, tensors, directions)

    limit = 1e-3 * (sum(np.abs(p).sum() for p in products) + 1)
    if case.artifact.compute_dtype != "float32":
        limit = rounding.SPREADS * rounding.spreads(derive, case.expected)
    difference = sum(p.sum() for p in products) - derive(case.expected, seed=None)
    assert abs(difference) <= limit, (difference, limit)
