"""Artifacts whose gradients compute each block again have the gradients of those without.

Hold every way of asking for a gradient against the artifact of the table with the same weights.
"""

import dataclasses
import operator

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from export.metadata import manifest
from tests.conformance import table

TINY = table.ARTIFACTS[0]
PATHS = ("__call__", hub_api.MLM, hub_api.UNPADDED, f"{hub_api.UNPADDED}.{hub_api.MLM}")
# Both are rounded, independently; relative to the largest number of the gradient, 4e-6 was seen.
RTOL = {"float32": 2e-5, "bfloat16": 2e-2}


def _recomputing(artifact):
    return dataclasses.replace(artifact, name=f"{artifact.name}_recompute", recompute=True)


def _inputs():
    generator = np.random.default_rng(0)
    ids = generator.integers(5, TINY.config.vocab_size, [3, 9])
    mask = np.less(np.arange(9), [[9], [4], [1]])
    arrays = {hub_api.INPUT_WORD_IDS: ids, hub_api.INPUT_MASK: mask}
    arrays |= {hub_api.INPUT_TYPE_IDS: ids % 2, hub_api.MASKED_LM_POSITIONS: ids[:, :2] % 9}
    return {name: tf.constant(array, tf.int32) for name, array in arrays.items()}


def _loss(call, inputs, path):
    names = hub_api.ENCODER_INPUTS
    names += (hub_api.MASKED_LM_POSITIONS,) if hub_api.MLM in path else ()
    outputs = call({name: inputs[name] for name in names}, training=True)
    outputs = [outputs[hub_api.POOLED_OUTPUT], *outputs["encoder_outputs"]] + (
        [outputs[hub_api.MLM_LOGITS]] if hub_api.MLM in path else []
    )
    return tf.add_n([tf.reduce_sum(tf.sin(output)) for output in outputs])


def _once(call, inputs, path):
    with tf.GradientTape() as tape:
        loss = _loss(call, inputs, path)
    return tape.gradient(loss, call.trainable_variables)


def _second_time(call, inputs, path):
    with tf.GradientTape(persistent=True) as tape:
        loss = _loss(call, inputs, path)
    tape.gradient(loss, call.trainable_variables)
    return tape.gradient(loss, call.trainable_variables)


def _second_order(call, inputs, path):
    variables = call.trainable_variables
    with tf.GradientTape() as outer:
        gradients = [tf.convert_to_tensor(x) for x in _once(call, inputs, path)]
        norm = tf.add_n([tf.reduce_sum(tf.square(x)) for x in gradients])
    return outer.gradient(norm, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


WAYS = {"eager": _once, "persistent": _second_time, "second order": _second_order}
WAYS |= {f"{name}, traced": tf.function(way, autograph=False) for name, way in WAYS.items()}
WAYS["XLA"] = tf.function(_once, autograph=False, jit_compile=True)


def _assert_same(artifact, path, way):
    found = []
    for one in (artifact, _recomputing(artifact)):
        root = table.load(one)
        call = root if path == "__call__" else operator.attrgetter(path)(root)
        found.append([tf.convert_to_tensor(x).numpy() for x in WAYS[way](call, _inputs(), path)])
    largest = max(np.abs(want).max() for want in found[0])
    assert largest > 0
    for want, got in zip(*found, strict=True):
        atol = RTOL[artifact.compute_dtype] * largest
        np.testing.assert_allclose(got, want, atol=atol, rtol=0)


@pytest.mark.stress  # model/test_recomputation.py has a block
@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("path", PATHS)
def test_gradients_are_those_without_recomputation(path, way):
    _assert_same(TINY, path, way)


@pytest.mark.stress
@pytest.mark.parametrize("name", ["bfloat16", "two_groups_of_two", "sop", "explained"])
@pytest.mark.parametrize("path", ["__call__", hub_api.UNPADDED])
def test_gradients_of_other_artifacts_are_those_without_recomputation(name, path):
    (artifact,) = (artifact for artifact in table.ARTIFACTS if artifact.name == name)
    _assert_same(artifact, path, "eager")


@pytest.mark.stress
def test_embeddings_and_attention_have_the_gradients_without_recomputation():
    found = []
    for artifact in (table.EXPLAINED, _recomputing(table.EXPLAINED)):
        root, inputs = table.load(artifact), _inputs()
        words = root.from_embeddings.lookup(inputs[hub_api.INPUT_WORD_IDS])
        rest = {name: inputs[name] for name in (hub_api.INPUT_MASK, hub_api.INPUT_TYPE_IDS)}
        with tf.GradientTape() as tape:
            tape.watch(words)
            outputs = root.from_embeddings({hub_api.WORD_EMBEDDINGS: words, **rest}, training=True)
            loss = tf.add_n([tf.reduce_sum(x**2) for x in outputs[hub_api.ATTENTION_PROBS]])
        found.append(tape.gradient(loss, words).numpy())
    assert np.abs(found[0]).max() > 0
    np.testing.assert_allclose(found[1], found[0], atol=1e-5 * np.abs(found[0]).max(), rtol=0)


@pytest.mark.stress
def test_a_model_around_it_is_trained_saved_and_trained_again(tmp_path):
    inputs = {name: _inputs()[name] for name in hub_api.ENCODER_INPUTS}
    histories = []
    for artifact in (TINY, _recomputing(TINY)):
        ids = {name: tf_keras.Input([9], dtype=tf.int32, name=name) for name in inputs}
        layer = hub.KerasLayer(table.directory(artifact), trainable=True)
        model = tf_keras.Model(ids, layer(ids)[hub_api.POOLED_OUTPUT])
        model.compile("sgd", "mse")
        target = np.ones([3, TINY.config.hidden_size], np.float32)
        losses = model.fit(inputs, target, epochs=2, verbose=0).history["loss"]
        model.save(tmp_path / artifact.name)
        again = tf_keras.models.load_model(tmp_path / artifact.name)
        losses += again.fit(inputs, target, epochs=2, verbose=0).history["loss"]
        histories.append(losses)
    assert histories[0][0] > histories[0][-1]
    np.testing.assert_allclose(histories[1], histories[0], atol=0, rtol=1e-5)


@pytest.mark.stress
def test_the_manifest_says_so():
    (smallest,) = (a for a in table.ARTIFACTS if a.name == "erf_no_projection_no_mlm")
    assert manifest.read(table.directory(_recomputing(smallest)))["recompute"] is True
    assert "recompute" not in manifest.read(table.directory(smallest))
