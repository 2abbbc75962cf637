"""ONNX graphs, run by ONNX Runtime, compute what the NumPy oracle and the SavedModels do."""

import dataclasses
import functools

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from configs import albert_config, hub_api
from export.conversion import source as sources
from export.conversion.onnx import signature_model
from tests.conformance import table
from tests.support import sampling

# Of each structure one, and every head but that of the order of sentences and the beam.
SAMPLE = [
    case
    for case in table.CASES
    if str(case)
    in (
        "two_groups_of_two-mlm",
        "two_groups_of_two-unpadded.mlm",
        "erf_no_projection_no_mlm-encoder",
    )
    or case.artifact.name == "heads"
]
_TINY = table.CASES[0]
_INVALID_ARGUMENT = onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument
_FAIL = (_INVALID_ARGUMENT, onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException)
_FAIL += (onnxruntime.capi.onnxruntime_pybind11_state.Fail,)


def _source(case, **changes):
    return sources.Source(
        directory="",
        config=dataclasses.replace(case.artifact.config, **changes),
        variables={n: a.astype(np.float32) for n, a in _tensors(case).items()},
        heads=case.artifact.task_heads,
        manifest={},
    )


@functools.cache
def _tensors(case):
    return table.tensors(table.shared(case))


def _model(case, quantize="none", **changes):
    source = _source(case, **changes)
    signature = source.signatures[case.path or hub_api.SERVING_DEFAULT]
    return signature_model.make(signature, source=source, quantize=quantize)


def _session(made):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(made.SerializeToString(), options)


def _run(session, inputs):
    names = [output.name for output in session.get_outputs()]
    arrays = {name: np.asarray(array) for name, array in inputs.items()}
    return dict(zip(names, session.run(names, arrays), strict=True))


def _stored(made):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in made.graph.initializer}


@sampling.parametrize("case", table.CASES, sample=SAMPLE, ids=str)
def test_every_signature_computes_what_the_oracle_does(case):
    got = _run(_session(_model(case)), case.inputs())
    expected = case.expected(_tensors(case))
    outputs = {
        hub_api.MLM: hub_api.MLM_SIGNATURE_OUTPUTS,
        hub_api.SOP: hub_api.SOP_SIGNATURE_OUTPUTS,
        hub_api.CLASSIFY: hub_api.CLASSIFY_SIGNATURE_OUTPUTS,
        hub_api.TAG: hub_api.TAG_SIGNATURE_OUTPUTS,
        hub_api.ANSWER: hub_api.ANSWER_SIGNATURE_OUTPUTS,
        hub_api.CHOOSE: hub_api.CHOOSE_SIGNATURE_OUTPUTS,
    }.get(case.head, hub_api.ENCODER_SIGNATURE_OUTPUTS)
    if case.artifact.name == "beam":
        outputs = hub_api.ANSWER_BEAM_SIGNATURE_OUTPUTS
    assert set(got) == set(outputs)
    for name in outputs:
        np.testing.assert_allclose(got[name], expected[name], atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("path", ["", hub_api.UNPADDED])
@pytest.mark.parametrize("mask", [[[0, 1, 1, 0, 1]] * 2, [[0] * 5, [1, 0, 0, 0, 1]]])
def test_masks_with_holes_and_empty_rows_give_what_the_saved_model_does(path, mask):
    case = table.Case(artifact=_TINY.artifact, path=path)
    inputs = {name: tensor[:2] for name, tensor in case.inputs().items()}
    inputs[hub_api.INPUT_MASK] = np.array(mask, np.int32)
    got = _run(_session(_model(case)), inputs)
    expected = table.shared(case)(inputs, training=False)
    for name, array in got.items():
        np.testing.assert_allclose(array, expected[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("hidden_act", albert_config.HIDDEN_ACTS)
def test_every_activation_is_the_configs(hidden_act):
    got = _run(_session(_model(_TINY, hidden_act=hidden_act)), _TINY.inputs())
    other = dataclasses.replace(
        _TINY.artifact, config=dataclasses.replace(_TINY.artifact.config, hidden_act=hidden_act)
    )
    expected = table.Case(artifact=other, path="").expected(_tensors(_TINY))
    name = hub_api.SEQUENCE_OUTPUT
    np.testing.assert_allclose(got[name], expected[name], atol=1e-5)


def test_without_pooler_the_vector_is_the_mean_of_the_tokens():
    got = _run(_session(_model(_TINY, pooler=False)), _TINY.inputs())
    assert set(got) == {hub_api.DEFAULT, hub_api.SEQUENCE_OUTPUT}
    mask = _TINY.inputs()[hub_api.INPUT_MASK].numpy()[..., np.newaxis]
    mean = (got[hub_api.SEQUENCE_OUTPUT] * mask).sum(axis=1) / mask.sum(axis=1)
    np.testing.assert_allclose(got[hub_api.DEFAULT], mean, atol=1e-6)


@pytest.mark.parametrize("path", ["", hub_api.UNPADDED])
def test_an_empty_batch_gives_empty_outputs(path):
    case = table.Case(artifact=_TINY.artifact, path=path)
    inputs = {name: np.zeros([0, 4], np.int32) for name in hub_api.ENCODER_INPUTS}
    hidden = table.TINY.hidden_size
    assert _run(_session(_model(case)), inputs)[hub_api.SEQUENCE_OUTPUT].shape == (0, 4, hidden)


@pytest.mark.parametrize("path", ["", hub_api.UNPADDED])
def test_onnx_runtime_refuses_what_the_saved_model_refuses(path):
    case = table.Case(artifact=_TINY.artifact, path=path)
    session = _session(_model(case))
    good = {name: np.ones([2, 4], np.int32) for name in hub_api.ENCODER_INPUTS}
    _run(session, good)
    bad = [
        {hub_api.INPUT_WORD_IDS: np.full([2, 4], -1, np.int32)},
        {hub_api.INPUT_WORD_IDS: np.full([2, 4], table.TINY.vocab_size, np.int32)},
        {hub_api.INPUT_TYPE_IDS: np.full([2, 4], -1, np.int32)},
        {hub_api.INPUT_TYPE_IDS: np.full([2, 4], table.TINY.type_vocab_size, np.int32)},
        {hub_api.INPUT_MASK: np.ones([1, 4], np.int32)},
        {hub_api.INPUT_MASK: np.ones([4, 2], np.int32)},
        {name: np.ones([2, 17], np.int32) for name in hub_api.ENCODER_INPUTS},
    ]
    for change in bad:
        with pytest.raises(_FAIL):
            _run(session, good | change)


@pytest.mark.parametrize("quantize", ["none", "float16", "int8"])
def test_weights_are_stored_once_however_many_layers_share_them(quantize):
    few, many = (_stored(_model(_TINY, quantize, num_hidden_layers=layers)) for layers in (1, 5))
    assert sorted(few) == sorted(many)
    assert sum(map(np.size, few.values())) == sum(map(np.size, many.values()))


def test_int8_is_close_and_its_matrices_are_in_seven_bits():
    case = table.Case(artifact=_TINY.artifact, path=hub_api.MLM)
    made = _model(case, "int8")
    small = ("position_embedding/", "type_embeddings/")
    stored = _stored(made)
    matrices = {n: a for n, a in stored.items() if a.ndim == 2 and not n.startswith(small)}
    assert len(matrices) == 8
    for name, array in matrices.items():
        assert array.dtype == np.int8, name
        assert np.abs(array.astype(np.int32)).max() == 63, name
    exact, close = (_run(_session(_model(case, q)), case.inputs()) for q in ("none", "int8"))
    for name in hub_api.MLM_SIGNATURE_OUTPUTS:
        first, second = exact[name].ravel(), close[name].ravel()
        cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
        assert 0.995 < cosine < 0.99999999, name


def test_float16_rounds_weights_and_nothing_else():
    made = _model(_TINY, "float16")
    tensors = _source(_TINY).variables
    rounded = {
        name: array.astype(np.float16).astype(np.float64)
        if array.ndim > 1 and not name.startswith(("type", "position"))
        else array.astype(np.float64)
        for name, array in tensors.items()
        if not name.endswith("bias")
    }
    biases = {name: a.astype(np.float64) for name, a in tensors.items() if name.endswith("bias")}
    expected = _TINY.expected(rounded | biases)
    got = _run(_session(made), _TINY.inputs())
    # The query's weights are scaled before they are rounded.
    for name in hub_api.ENCODER_SIGNATURE_OUTPUTS:
        np.testing.assert_allclose(got[name], expected[name], atol=2e-3)
        assert got[name].dtype == np.float32


def test_int8_weights_are_rounded_for_each_column_or_row_and_nothing_else_is():
    tensors = _source(_TINY).variables
    axes = {"word_embeddings/embeddings": 1}  # a scale for each row
    axes |= {name: 0 for name in tensors if name.endswith("kernel")}
    axes |= {name: (0, 1) for name in axes if name.endswith("attention_output/kernel")}
    assert len(axes) == 9

    def rounded(values, axis):
        scales = np.abs(values).max(axis=axis, keepdims=True) / 127
        return np.rint(values / scales) * scales

    expected = _TINY.expected(
        {
            name: rounded(a.astype(np.float64), axes[name]) if name in axes else a
            for name, a in tensors.items()
        }
    )
    made = _model(_TINY, "int8_weights")
    assert sum(array.dtype == np.int8 for array in _stored(made).values()) == 7
    got = _run(_session(made), _TINY.inputs())
    for name in hub_api.ENCODER_SIGNATURE_OUTPUTS:
        np.testing.assert_allclose(got[name], expected[name], atol=1e-5)


def test_the_checker_of_onnx_finds_nothing():
    for path in ("", hub_api.UNPADDED, hub_api.MLM):
        made = _model(table.Case(artifact=_TINY.artifact, path=path))
        onnx.checker.check_model(made, full_check=True)
        assert [made.opset_import[0].version, len(made.opset_import)] == [20, 1]
        assert {node.domain for node in made.graph.node} == {""}
