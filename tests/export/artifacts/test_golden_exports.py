"""Artifacts exported from the golden checkpoints compute what the original code computed."""

import functools
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import errors
from export.artifacts import encoder_spec, tokenizer_choice
from export.checkpoints import opening, restore
from export.verification import reference
from tests.support import golden, golden_artifacts, sampling


@functools.cache
def _loaded(name, golden_root):
    """Returns a loaded artifact. Tests must not change its variables."""
    return hub.load(golden_artifacts.directory(name, golden_root))


@pytest.mark.parametrize("suffix", ["", "_full"])
@sampling.parametrize("name", golden.MODELS, sample=["tiny"])  # the table has groups
def test_artifact_computes_what_the_original_code_computed(golden_root, name, suffix):
    model = golden.MODELS[name]
    module = _loaded(name, golden_root)
    outputs = reference.call_saved_model(module, golden.inputs(model, suffix=suffix))
    expected = golden.expected(model, suffix=suffix)
    expected.pop("embedding_output", None)
    assert set(expected) <= set(outputs)
    for key, array in expected.items():
        np.testing.assert_allclose(
            outputs[key], array, atol=golden.ATOL, rtol=golden.RTOL, err_msg=key
        )


@sampling.parametrize("name", golden.MODELS, sample=["tiny"])
def test_unpadded_artifact_computes_the_same_at_tokens(golden_root, name):
    model = golden.MODELS[name]
    module = _loaded(name, golden_root)
    inputs = golden.inputs(model)
    outputs = reference.call_saved_model(module.unpadded, inputs)
    expected = golden.expected(model)
    mask = inputs["input_mask"].astype(bool)
    for key in ("pooled_output", "mlm_logits", "sop_logits"):
        # A zero-padded masked position is position 0, a token.
        np.testing.assert_allclose(outputs[key], expected[key], atol=golden.ATOL, rtol=golden.RTOL)
    np.testing.assert_allclose(
        outputs["sequence_output"][mask],
        expected["sequence_output"][mask],
        atol=golden.ATOL,
        rtol=golden.RTOL,
    )


@pytest.mark.stress
def test_sentence_order_trains_through_a_keras_layer_and_moves_the_encoder(golden_root):
    module = hub.load(golden_artifacts.directory("tiny", golden_root))
    inputs = {
        name: tf.constant(golden.inputs(golden.MODELS["tiny"])[name])
        for name in ("input_word_ids", "input_mask", "input_type_ids")
    }
    layer = hub.KerasLayer(module.sop, trainable=True)
    before = module(inputs)["pooled_output"].numpy()
    labels = tf.constant([0, 1, 0])
    losses = []
    for _ in range(8):
        with tf.GradientTape() as tape:
            logits = layer(inputs)["sop_logits"]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        losses.append(float(loss))
        gradients = tape.gradient(loss, layer.trainable_variables)
        for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
            assert gradient is not None, variable.name
            variable.assign_sub(0.01 * tf.convert_to_tensor(gradient))
    assert losses[-1] < losses[0]
    assert len(layer.trainable_variables) == 27
    assert np.abs(module(inputs)["pooled_output"].numpy() - before).max() > 1e-3


@pytest.mark.stress
def test_exporting_an_artifact_again_changes_no_weight(golden_root, tmp_path):
    first = golden_artifacts.directory("tiny_groups", golden_root)
    source = opening.open(first)
    assert source.format == "saved_model"
    assert source.config == golden.MODELS["tiny_groups"].config
    assert restore.has_mlm_head(source) and restore.has_sop_head(source)
    got = restore.read(source, config=source.config)
    for variable, value in golden.tensors("tiny_groups").items():
        assert got[variable].tobytes() == value.tobytes(), variable
    made_from = encoder_spec.from_checkpoint(
        first,
        checkpoint_format="saved_model",
        config=None,
        overrides={},
        tokenizer=tokenizer_choice.Request(),
        mlm=True,
    )
    assert made_from.sop
    assert made_from.tokenizer.vocabulary.file_name == golden.VOCABULARY.name
    assert made_from.tokenizer.tokenization == "hub"


def _moved(module):
    """Moves every weight, as fine-tuning would, and returns their values by name."""
    values = {}
    for variable in module.mlm.variables:
        variable.assign_add(tf.fill(variable.shape, 0.5))
        values[variable.name.removesuffix(":0")] = variable.numpy()
    return values


@pytest.mark.stress  # test_new_heads.py saves one again, with a head's labels
def test_a_fine_tuned_artifact_saved_again_is_read(golden_root, tmp_path):
    module = hub.load(golden_artifacts.directory("tiny", golden_root))
    moved = _moved(module)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    source = opening.open(str(tmp_path / "saved"))
    assert source.config is None  # assets.extra/ does not survive
    request = tokenizer_choice.Request()
    assert tokenizer_choice.of_checkpoint(source, request).vocabulary.vocab_size == 100
    got = restore.read(source, config=golden.MODELS["tiny"].config)
    assert {"cls/seq_relationship/kernel", "cls/predictions/output_bias/bias"} <= set(got)
    for name, value in moved.items():
        assert got[name].tobytes() == value.tobytes(), name


def _keras_model(module, head=True):
    inputs = {
        name: tf_keras.Input([None], dtype=tf.int32, name=name)
        for name in ("input_word_ids", "input_mask", "input_type_ids")
    }
    layer = hub.KerasLayer(module, trainable=True)
    pooled = layer(inputs)["pooled_output"]
    return tf_keras.Model(inputs, tf_keras.layers.Dense(2, name="task")(pooled) if head else pooled)


@pytest.mark.stress
def test_the_encoder_within_a_keras_model_is_read_and_the_rest_is_named(golden_root, tmp_path):
    module = hub.load(golden_artifacts.directory("tiny", golden_root))
    model = _keras_model(module)
    moved = _moved(module)
    model.save(str(tmp_path / "saved"), save_format="tf")
    source = opening.open(str(tmp_path / "saved"))
    got = restore.read(source, config=golden.MODELS["tiny"].config)
    for name, value in moved.items():
        if name in got:
            assert got[name].tobytes() == value.tobytes(), name
    encoder = {name for name in moved if not name.startswith("cls/")}
    assert encoder <= set(got)
    assert any("kernel" in name or "variables" in name for name in source.unused_tensors)


@pytest.mark.stress
def test_two_encoders_in_one_model_are_refused(golden_root, tmp_path):
    path = golden_artifacts.directory("tiny", golden_root)
    both = tf.train.Checkpoint(first=hub.load(path), second=hub.load(path))
    tf.saved_model.save(both, str(tmp_path / "saved"))
    with pytest.raises(errors.CheckpointError, match="holds 2 ALBERT encoders"):
        opening.open(str(tmp_path / "saved"))


def test_a_preprocessor_is_not_a_checkpoint(tmp_path):
    module = tf.Module()
    module.variable = tf.Variable([1.0], name="something")
    tf.saved_model.save(module, str(tmp_path / "saved"))
    with pytest.raises(errors.CheckpointError, match="holds 0 ALBERT encoders"):
        opening.open(str(tmp_path / "saved"))


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_a_truncated_saved_model_is_refused(golden_root, tmp_path, file):
    shutil.copytree(golden_artifacts.directory("tiny", golden_root), tmp_path, dirs_exist_ok=True)
    content = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(errors.CheckpointError):
        opening.open(str(tmp_path))
