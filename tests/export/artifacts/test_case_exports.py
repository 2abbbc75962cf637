"""Artifacts of models without pooler, and with an output matrix of their own, keep the contract."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from configs import hub_api
from export import keras3
from export.artifacts import encoder_artifact, encoder_spec, tokenizer_choice
from export.checkpoints import opening, restore
from export.metadata import finalize
from export.verification import comparison, contract
from tests.support import cases, golden, processes, sampling, shared_run

_WITHOUT_POOLER = ("hf_masked_lm_no_pooler", "no_text_vocabulary_no_pooler")
_UNTIED = "hf_untied_decoder_nomlm"
EACH_WITHOUT_POOLER = sampling.parametrize("name", _WITHOUT_POOLER, sample=_WITHOUT_POOLER[:1])
EACH = sampling.parametrize("name", [*_WITHOUT_POOLER, _UNTIED], sample=_WITHOUT_POOLER[:1])


def _exported(name):
    """Returns the folder of the artifact of a case."""
    return str(shared_run.once(f"cases/{name}", lambda folder: _write(folder, name)))


@functools.cache
def _loaded(name):
    """Returns the loaded artifact of a case. Tests must not change its variables."""
    return hub.load(_exported(name))


def _write(folder, name):
    has_text = not name.startswith("no_text")
    spec = encoder_spec.from_checkpoint(
        cases.CASES[name].location(),
        checkpoint_format=None,
        config=None,
        overrides={},
        tokenizer=(
            tokenizer_choice.Request(sp_model_file=str(golden.VOCABULARY)) if has_text else None
        ),
    )
    encoder_artifact.write(str(folder), spec=spec, compute_dtype="float32")
    finalize.finalize(str(folder), serving_warmup=False)
    return folder


def _inputs(case):
    return {name: tf.constant(value, tf.int32) for name, value in case.inputs().items()}


def _encoder_inputs(inputs):
    return {name: inputs[name] for name in hub_api.ENCODER_INPUTS}


@EACH
def test_artifact_computes_what_transformers_computes(name):
    case = cases.CASES[name]
    module = _loaded(name)
    inputs = _inputs(case)
    for encoder in (module, module.unpadded):
        has_mlm = hasattr(encoder, "mlm")
        outputs = encoder.mlm(inputs) if has_mlm else encoder(_encoder_inputs(inputs))
        assert "sequence_output" in case.compare(outputs)
        assert ("mlm_logits" in case.compare(outputs)) == has_mlm


@EACH_WITHOUT_POOLER
def test_without_pooler_default_is_the_mean_over_tokens(name):
    module = _loaded(name)
    inputs = _encoder_inputs(_inputs(cases.CASES[name]))
    mask = inputs["input_mask"].numpy()
    mask[0, 2] = 0  # padding in the middle
    mask = np.concatenate([mask, np.zeros_like(mask[:1])])  # a row without tokens
    inputs = {key: tf.concat([value, value[:1]], axis=0) for key, value in inputs.items()}
    inputs["input_mask"] = tf.constant(mask)
    outputs = module(inputs)
    assert set(outputs) == {"default", "sequence_output", "encoder_outputs"}
    states = outputs["sequence_output"].numpy()
    expected = [
        row[tokens == 1].mean(0) if tokens.any() else np.zeros(32)
        for row, tokens in zip(states, mask, strict=True)
    ]
    np.testing.assert_allclose(outputs["default"], expected, atol=1e-6, rtol=0)
    unpadded = module.unpadded(inputs)
    assert set(unpadded) == set(outputs)
    np.testing.assert_allclose(unpadded["default"], expected, atol=2e-5, rtol=0)


@EACH_WITHOUT_POOLER
def test_without_pooler_there_is_no_pooled_output_anywhere(name):
    module = _loaded(name)
    assert len(module.variables) == len(module.trainable_variables) == 23
    for signature in module.signatures.values():
        assert "pooled_output" not in signature.structured_outputs
    assert "default" in module.signatures["serving_default"].structured_outputs
    with open(f"{_exported(name)}/assets.extra/manifest.json") as file:
        manifest = json.load(file)
    assert manifest["default"] == "mean" and manifest["config"]["pooler"] is False
    assert hasattr(module, "mlm") == (manifest["heads"] == ["mlm"])


@EACH
@pytest.mark.stress
def test_verify_knows_them(name):
    _, findings = contract.run(_exported(name))
    assert [finding for finding in findings if finding.problem] == []
    checkpoint = opening.open(cases.CASES[name].location())
    result = comparison.compare(_exported(name), checkpoint=checkpoint, config=checkpoint.config)
    assert result.passed, (result.weight_problems, [r for r in result.rows if not r.passed])
    outputs = {row.output for row in result.rows}
    assert {"default", "sequence_output", "encoder_outputs"} <= outputs
    assert ("mlm_logits" in outputs) == restore.has_mlm_head(checkpoint)
    assert ("pooled_output" in outputs) == checkpoint.config.pooler


@EACH
def test_exporting_them_again_changes_nothing(name):
    first, second = opening.open(cases.CASES[name].location()), opening.open(_exported(name))
    assert second.config == first.config
    expected = restore.read(first, config=first.config)
    got = restore.read(second, config=second.config)
    assert set(got) == set(expected)
    assert all(got[key].tobytes() == expected[key].tobytes() for key in got)


@pytest.mark.stress
def test_an_output_matrix_of_the_heads_own_is_trained_with_the_head_alone():
    module = _loaded(_UNTIED)
    (matrix,) = (v for v in module.mlm.variables if "decoder" in v.name)
    assert all(matrix is not variable for variable in module.variables)
    with tf.GradientTape() as tape:
        logits = module.mlm(_inputs(cases.CASES[_UNTIED]), training=True)["mlm_logits"]
    assert np.abs(tape.gradient(logits, matrix)).max() > 0


def test_an_encoder_without_pooler_is_no_embedder_by_pooled_output(tiny_preprocessor, tmp_path):
    done = processes.run(
        "export.embedder",
        *("--encoder", _exported(_WITHOUT_POOLER[0]), "--preprocessor", tiny_preprocessor),
        *("--model_name", "x", "--pooling", "pooled"),
        cwd=tmp_path,
    )
    assert "no pooler" in processes.error(done) and "--pooling mean" in processes.error(done)


@pytest.mark.stress
def test_an_encoder_without_pooler_is_a_layer_of_keras_3(monkeypatch):
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    directory = _exported(_WITHOUT_POOLER[0])
    layer = keras3.SavedModelLayer(directory, trainable=True)
    inputs = _encoder_inputs(_inputs(cases.CASES[_WITHOUT_POOLER[0]]))
    outputs = layer(inputs)
    assert set(outputs) == {"default", "sequence_output", "encoder_outputs"}
    expected = _loaded(_WITHOUT_POOLER[0])(inputs)["default"]
    np.testing.assert_array_equal(outputs["default"], expected)
    assert len(layer.trainable_weights) == 23
