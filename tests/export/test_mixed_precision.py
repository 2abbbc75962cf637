"""Policies of mixed precision reach the layers around an artifact, and leave its graph alone."""

import operator

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops
import tf_keras

from configs import hub_api
from export import keras3
from tests.support import sampling, text_models

B, S, P = 4, 10, 2
_IDS = {
    hub_api.INPUT_WORD_IDS: np.arange(5, 5 + B * S, dtype=np.int32).reshape(B, S),
    hub_api.INPUT_MASK: np.ones([B, S], np.int32),
    hub_api.INPUT_TYPE_IDS: np.zeros([B, S], np.int32),
}
_MLM = {**_IDS, hub_api.MASKED_LM_POSITIONS: np.array([[1, 2]] * B, np.int32)}
_TEXTS = np.array(["A fine film.", "", "The café!", "bread " * 9])
# The artifact's fixture, the callable, its inputs, and the output of which logits are made.
_CALLABLES = {
    "encoder": ("tiny_encoder", "", _IDS, hub_api.POOLED_OUTPUT),
    "mlm": ("tiny_encoder", "mlm", _MLM, hub_api.MLM_LOGITS),
    "unpadded": ("tiny_encoder", "unpadded", _IDS, hub_api.POOLED_OUTPUT),
    "embedder": ("tiny_embedder", "", _TEXTS, None),
    "text model": ("single", "", _TEXTS, "scores"),
}
_KERAS = {"keras 3": keras, "tf_keras": tf_keras}
_ROWS = [
    (policy, version, name)
    for policy in ("mixed_float16", "mixed_bfloat16")
    for version in _KERAS
    for name in _CALLABLES
]


@pytest.fixture(autouse=True)
def _default_policies(monkeypatch):
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    yield
    for module in _KERAS.values():
        module.mixed_precision.set_global_policy("float32")


def _layer(module, directory, path):
    if module is keras:
        return keras3.SavedModelLayer(directory, callable=path or None, trainable=True)
    loaded = hub.load(directory)
    return hub.KerasLayer(operator.attrgetter(path)(loaded) if path else loaded, trainable=True)


def _model(module, layer, inputs, output):
    """Returns a compiled model, of which the layer between has the policy."""
    if isinstance(inputs, dict):
        given = {
            name: module.Input(array.shape[1:], dtype=array.dtype.name, name=name)
            for name, array in inputs.items()
        }
    else:
        given = module.Input((), dtype="string")
    features = layer(given)[output] if output else layer(given)
    dense = module.layers.Dense(2, name="dense")
    logits = module.layers.Flatten(dtype="float32")(dense(features))
    model = module.Model(given, logits)
    loss = module.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(module.optimizers.Adam(1e-2), loss)
    return model, dense


def _predict(model, inputs):
    return model.predict(tf.data.Dataset.from_tensors(inputs), verbose=0)


@pytest.fixture
def case(request, policy, version, name):
    """Returns Keras with the policy, the artifact's folder, and the row of the callable."""
    fixture, *row = _CALLABLES[name]
    if fixture in text_models.NAMES:
        directory = text_models.directory(fixture)
    else:
        directory = str(request.getfixturevalue(fixture))
    _KERAS[version].mixed_precision.set_global_policy(policy)
    return _KERAS[version], directory, *row


@sampling.parametrize(
    ("policy", "version", "name"), _ROWS, sample=[("mixed_float16", "keras 3", "mlm")]
)
def test_the_graph_computes_in_its_own_precision(case):
    module, directory, path, inputs, output = case
    tensors = tf.nest.map_structure(tf.constant, inputs)
    original = hub.load(directory)
    expected = (operator.attrgetter(path)(original) if path else original)(tensors)
    outputs = _layer(module, directory, path)(tensors)
    if output:
        assert set(outputs) == set(expected)
        outputs, expected = ([one[name] for name in sorted(one)] for one in (outputs, expected))
    for one, other in zip(tf.nest.flatten(outputs), tf.nest.flatten(expected), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.stress
@pytest.mark.parametrize(("policy", "version", "name"), _ROWS)
def test_a_model_around_an_artifact_is_trained_saved_and_loaded(case, policy, tmp_path):
    module, directory, path, inputs, output = case
    layer = _layer(module, directory, path)
    model, dense = _model(module, layer, inputs, output)
    assert dense.compute_dtype == policy.removeprefix("mixed_")
    before = [weight.numpy() for weight in layer.trainable_weights]
    dataset = tf.data.Dataset.from_tensors((inputs, np.array([0, 1, 1, 0]))).repeat(3)
    history = model.fit(dataset, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(weight.numpy().dtype == np.float32 for weight in layer.trainable_weights)
    moved = [
        np.abs(weight.numpy() - old).max() > 1e-3
        for weight, old in zip(layer.trainable_weights, before, strict=True)
    ]
    assert sum(moved) > 20
    saved = str(tmp_path / ("model.keras" if module is keras else "model"))
    model.save(saved)
    options = {"safe_mode": False} if module is keras else {}
    again = module.models.load_model(saved, **options)
    np.testing.assert_array_equal(_predict(again, inputs), _predict(model, inputs))


@pytest.mark.stress
def test_embeddings_are_cast_by_keras_2_unless_the_layer_has_its_own_dtype(tiny_explained):
    call = hub.load(str(tiny_explained)).from_embeddings
    inputs = {
        hub_api.WORD_EMBEDDINGS: tf.random.normal([B, S, 16]),
        hub_api.INPUT_MASK: tf.ones([B, S], tf.int32),
        hub_api.INPUT_TYPE_IDS: tf.zeros([B, S], tf.int32),
    }
    expected = call(inputs)[hub_api.POOLED_OUTPUT]
    for module in _KERAS.values():
        module.mixed_precision.set_global_policy("mixed_float16")
    with pytest.raises(ValueError, match="Could not find matching concrete function"):
        hub.KerasLayer(call)(inputs)
    outputs = hub.KerasLayer(call, dtype=tf.float32)(inputs)
    np.testing.assert_array_equal(outputs[hub_api.POOLED_OUTPUT], expected)
    layer = keras3.SavedModelLayer(str(tiny_explained), callable="from_embeddings")
    np.testing.assert_array_equal(layer(inputs)[hub_api.POOLED_OUTPUT], expected)
