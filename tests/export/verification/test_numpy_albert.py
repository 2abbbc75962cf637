"""The NumPy model agrees with the original code, and common faults would change its outputs."""

import dataclasses

import numpy as np
import pytest

from configs import albert_config, hub_api
from export.verification import numpy_albert
from tests.support import golden


@pytest.mark.parametrize("suffix", ["", "_full"])
@pytest.mark.parametrize("name", golden.MODELS)
def test_oracle_equals_the_original_code(name, suffix):
    model = golden.MODELS[name]
    outputs = numpy_albert.encode(
        golden.tensors(name), config=model.config, inputs=golden.inputs(model, suffix=suffix)
    )
    expected = golden.expected(model, suffix=suffix)
    assert set(expected) <= set(outputs)
    for key, array in expected.items():
        got = np.asarray(outputs[key])
        assert got.dtype == np.float32 and got.shape == array.shape, key
        np.testing.assert_allclose(
            got, array, atol=golden.ATOL, rtol=golden.RTOL, err_msg=f"{name} {key}"
        )


def test_float64_agrees_with_float32():
    model = golden.MODELS["tiny_groups"]
    single, double = (
        numpy_albert.encode(
            golden.tensors(model.name),
            config=model.config,
            inputs=golden.inputs(model),
            dtype=dtype,
        )
        for dtype in (np.float32, np.float64)
    )
    for key, array in double.items():
        assert np.asarray(array).dtype == np.float64
        np.testing.assert_allclose(single[key], array, atol=golden.ATOL, rtol=golden.RTOL)


@pytest.mark.parametrize(
    "change", [{"hidden_act": albert_config.GELU_ERF}, {"layer_norm_eps": 1e-5}], ids=str
)
def test_tolerance_tells_a_wrong_gelu_and_a_wrong_epsilon(change):
    model = golden.MODELS["tiny"]
    outputs = numpy_albert.encode(
        golden.tensors("tiny"),
        config=dataclasses.replace(model.config, **change),
        inputs=golden.inputs(model),
    )
    difference = np.abs(
        outputs[hub_api.SEQUENCE_OUTPUT] - golden.expected(model)["sequence_output"]
    )
    assert difference.max() > 10 * golden.ATOL


def test_oracle_has_the_erf_gelu_of_transformers():
    model = golden.MODELS["tiny"]
    config = dataclasses.replace(model.config, hidden_act=albert_config.GELU_ERF)
    outputs = numpy_albert.encode(
        golden.tensors("tiny"), config=config, inputs=golden.inputs(model)
    )
    with np.load(model.directory / "hf" / "gelu_erf" / "expected.npz") as arrays:
        for key in ("sequence_output", "pooled_output", "mlm_logits", "sop_logits"):
            np.testing.assert_allclose(
                outputs[key], arrays[key], atol=golden.ATOL, rtol=golden.RTOL, err_msg=key
            )


def test_activations_have_their_published_values():
    # gelu(1) = Phi(1); tanh form: 0.5 (1 + tanh(sqrt(2/pi) 1.044715)).
    expected = {"gelu_erf": 0.8413447, "gelu_tanh": 0.8411920, "relu": 1, "linear": 1}
    for act, value in (expected | {"tanh": 0.7615942}).items():
        assert numpy_albert._activate(np.ones([1]), act) == pytest.approx(value, abs=1e-6)
    with pytest.raises(ValueError, match="hidden_act"):
        numpy_albert._activate(np.ones([1]), "swish")
