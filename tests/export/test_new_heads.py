"""A new head is trained through Keras 2 and Keras 3, saved, and read again with its labels."""

import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from export import keras3
from export.artifacts import encoder_spec
from export.checkpoints import restore
from export.verification import numpy_albert
from tests.support import processes

_LABELS = ("no", "yes", "maybe")
_ARGUMENTS = ("--config", "tiny", "--new_head", "classify", "--labels", ",".join(_LABELS))
_INPUTS = {
    "input_word_ids": np.array([[2, 7, 8, 3], [2, 9, 3, 0]], np.int32),
    "input_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]], np.int32),
    "input_type_ids": np.zeros([2, 4], np.int32),
}
_TARGETS = tf.constant([2, 0])


@pytest.fixture(scope="module")
def encoder(tiny_classifier):
    return str(tiny_classifier)


def _train(logits, variables, *, steps=5):
    """Trains in a function; returns the loss before and after."""
    losses = []
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(_TARGETS, logits())
            )
        losses.append(float(loss))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign(variable - 0.1 * tf.convert_to_tensor(gradient))
    return losses[0], losses[-1]


def _assert_read_again(directory, logits):
    """Asserts that a saved model is a checkpoint with labels that computes those logits."""
    spec = encoder_spec.from_checkpoint(str(directory), config="tiny")
    (head,) = spec.chosen_heads.heads
    assert head.kind == "classify" and head.labels == _LABELS
    assert head.problem_type == "single_label_classification"
    assert not spec.chosen_heads.untrained and not spec.chosen_heads.guesses
    assert spec.manifest_entries()["labels"] == {"classify": list(_LABELS)}
    tensors = restore.read(spec.checkpoint, config=spec.config)
    outputs = numpy_albert.encode(tensors, config=spec.config, inputs=_INPUTS)
    np.testing.assert_allclose(outputs["classify.logits"], logits, atol=2e-5, rtol=0)


def test_stdout_is_the_path_and_untrained_weights_are_said_to_be_on_stderr(encoder, tmp_path):
    done = processes.run("export.encoder", *_ARGUMENTS, "--nomlm", "--seed", 4, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "exports/albert_en_tiny/1\n"
    assert os.listdir(tmp_path / "exports" / "albert_en_tiny") == ["1"]
    assert "no checkpoint, so the weights are random (seed 4) and untrained" in done.stderr
    assert "`.classify` is a new head: its weights are random (seed 4) and untrained" in done.stderr
    with open(tmp_path / done.stdout.strip() / "assets.extra" / "manifest.json") as file:
        manifest = json.load(file)
    assert manifest["heads"] == ["classify"]
    assert manifest["labels"] == {"classify": list(_LABELS)}
    assert manifest["weights"] == {
        "source": "untrained",
        "seed": 4,
        "untrained_heads": ["classify"],
    }
    kernels = [
        hub.load(str(directory)).classify.variables[-2].numpy()
        for directory in (tmp_path / done.stdout.strip(), encoder)
    ]
    assert kernels[0].shape == (32, 3)
    assert 0.01 < kernels[0].std() < 0.03 and (kernels[0] != kernels[1]).all()


@pytest.mark.stress
def test_it_is_trained_and_saved_with_keras_2(encoder, tmp_path):
    layer = hub.KerasLayer(hub.load(encoder).classify, trainable=True)
    inputs = {name: tf_keras.Input((None,), dtype=tf.int32, name=name) for name in _INPUTS}
    model = tf_keras.Model(inputs, layer(inputs)[hub_api.LOGITS])
    used = [v for v in model.trainable_variables if not v.name.startswith("cls/predictions")]
    before, after = _train(lambda: model(_INPUTS, training=True), used)
    assert after < before
    model.save(tmp_path / "model", save_format="tf")
    _assert_read_again(tmp_path / "model", model(_INPUTS))


@pytest.mark.stress
def test_it_is_trained_and_saved_with_keras_3(encoder, tmp_path, monkeypatch):
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    layer = keras3.SavedModelLayer(encoder, callable="classify", trainable=True)
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in _INPUTS}
    model = keras.Model(inputs, layer(inputs)[hub_api.LOGITS])
    variables = [weight.value for weight in layer.trainable_weights]
    before, after = _train(lambda: model(_INPUTS, training=True), variables)
    assert after < before
    tf.saved_model.save(model, tmp_path / "model")
    _assert_read_again(tmp_path / "model", model(_INPUTS))
    model.save(tmp_path / "model.keras")  # keeps the labels, too
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=False)
    tf.saved_model.save(again, tmp_path / "again")
    _assert_read_again(tmp_path / "again", model(_INPUTS))


def test_the_whole_object_is_saved_and_read_again(encoder, tmp_path):
    module = hub.load(encoder)
    module.classify.variables[-1].assign([0.5, -1.0, 2.0])
    tf.saved_model.save(module, tmp_path / "model")
    inputs = {name: tf.constant(array) for name, array in _INPUTS.items()}
    _assert_read_again(tmp_path / "model", module.classify(inputs)[hub_api.LOGITS])
