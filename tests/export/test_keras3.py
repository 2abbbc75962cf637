"""SavedModels as layers of Keras 3, against `hub.load` and manual arithmetic."""

import functools
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from configs import hub_api
from export import keras3
from tests.conformance import table
from tests.support import processes, sampling

_TINY = [case for case in table.CASES if case.artifact.name == "tiny"]
# For slow tests: the callable that computes least, and the one that computes most.
EXTREMES = (_TINY[0], _TINY[-1])
TINY_CASES = sampling.parametrize("case", _TINY, sample=EXTREMES[1:], ids=str)
ENCODER = _TINY[0]
(DROPOUT,) = (case for case in table.CASES if str(case) == "dropout-encoder")
LABELS = np.array([0, 1, 1, 0])
SEQ_LENGTH = 10

# Loads every model in a folder, and prints its outputs and its next loss. The folder has only the
# layer's file of the project.
_LOADER = """
import json, pathlib, sys
import keras, numpy as np, tensorflow as tf
import keras3
folder = pathlib.Path(sys.argv[1])
report = {"modules": [name for name in sys.modules if name.split(".")[0] in
                      ("configs", "preprocess", "export", "tensorflow_hub", "tf_keras")]}
for path in folder.glob("*.keras"):
    with np.load(folder / f"{path.stem}.npz") as arrays:
        inputs = dict(arrays)
    model = keras.models.load_model(path, safe_mode=False)
    outputs = model.predict(inputs, verbose=0)
    losses = model.fit(inputs, np.array(json.loads(sys.argv[2])), verbose=0).history["loss"]
    report[path.stem] = {"outputs": outputs.tolist(), "losses": losses}
print(json.dumps(report))
"""


@pytest.fixture(autouse=True)
def _keras_3(monkeypatch):
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)


@functools.cache
def _original(case):
    """Returns the callable as `hub.load` gives it. Tests must not change its variables."""
    return case.callable_in(hub.load(table.directory(case.artifact)))


def _layer(case, *, trainable=True):
    return keras3.SavedModelLayer(
        table.directory(case.artifact), callable=case.path or None, trainable=trainable
    )


def _arrays(case):
    return {name: tensor.numpy() for name, tensor in case.inputs().items()}


def _classifier(layer, case):
    """Returns a model of the functional API; the logits depend on the head, if there is one."""
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name, batch_size=table.B)
        for name in case.input_names
    }
    outputs = layer(inputs)
    features = outputs[hub_api.POOLED_OUTPUT]
    if case.is_mlm:
        mean = keras.ops.mean(outputs[hub_api.MLM_LOGITS], axis=1)
        features = keras.layers.Concatenate()([features, mean])
    return keras.Model(inputs, keras.layers.Dense(2, name="classifier")(features))


def _compile(model, optimizer):
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@sampling.parametrize("case", table.CASES, sample=EXTREMES[1:], ids=str)
def test_outputs_are_those_of_hub_load(case):
    expected = _original(case)(case.inputs())
    outputs = _layer(case)(case.inputs())
    assert set(outputs) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(np.asarray(outputs[name]), np.asarray(value), err_msg=name)


@TINY_CASES
def test_functional_api_infers_static_shapes(case):
    inputs = {
        name: keras.Input(
            (table.P if name == hub_api.MASKED_LM_POSITIONS else SEQ_LENGTH,), dtype="int32"
        )
        for name in case.input_names
    }
    outputs = _layer(case)(inputs)
    config = case.artifact.config
    sequence_shape = (None, SEQ_LENGTH, config.hidden_size)
    assert outputs[hub_api.POOLED_OUTPUT].shape == (None, config.hidden_size)
    assert outputs[hub_api.SEQUENCE_OUTPUT].shape == sequence_shape
    layers = outputs[hub_api.ENCODER_OUTPUTS]
    assert [layer.shape for layer in layers] == [sequence_shape] * config.num_hidden_layers
    if case.is_mlm:
        assert outputs[hub_api.MLM_LOGITS].shape == (None, table.P, config.vocab_size)


def test_training_reaches_the_saved_model():
    layer = _layer(DROPOUT)
    inputs = DROPOUT.inputs()
    inference = layer(inputs)[hub_api.POOLED_OUTPUT]
    np.testing.assert_array_equal(layer(inputs, training=False)[hub_api.POOLED_OUTPUT], inference)
    # Dropout cannot be seeded in a restored graph: one draw alone may change little.
    draws = [layer(inputs, training=True)[hub_api.POOLED_OUTPUT] for _ in range(10)]
    assert max(np.abs(draw - inference).max() for draw in draws) > 0.01


@pytest.mark.stress  # several_workers has a sample of strategies
def test_a_layer_can_be_called_inside_the_scope_of_a_strategy_and_then_trained_in_replicas():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        layer = _layer(ENCODER)
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(layer.trainable_variables)
        outputs = layer(ENCODER.inputs())
    expected = _original(ENCODER)(ENCODER.inputs())
    assert set(outputs) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(np.asarray(outputs[name]), np.asarray(value), err_msg=name)

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ENCODER.inputs(), training=True)[hub_api.POOLED_OUTPUT])
        gradients = tape.gradient(loss, layer.trainable_variables)
        optimizer.apply_gradients(zip(gradients, layer.trainable_variables, strict=True))
        return loss

    first, second = (float(strategy.run(step)) for _ in range(2))
    assert first == pytest.approx(float(tf.reduce_sum(expected[hub_api.POOLED_OUTPUT])), abs=1e-5)
    assert second < first


@TINY_CASES
def test_weights_are_the_variables_themselves_under_keras_names(case):
    layer = _layer(case)
    expected = [table.name_of(v).replace("/", "_") for v in _original(case).variables]
    assert [weight.name for weight in layer.trainable_weights] == expected
    before = layer(case.inputs())[hub_api.POOLED_OUTPUT]
    (bias,) = (weight for weight in layer.weights if weight.name == "pooler_transform_bias")
    bias.assign(bias + 1.0)
    assert np.abs(layer(case.inputs())[hub_api.POOLED_OUTPUT] - before).max() > 0.01


def test_no_weight_is_trainable_unless_asked_for():
    layer = _layer(ENCODER, trainable=False)
    assert layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == len(layer.weights) > 0


@pytest.mark.stress  # above, none is trainable
def test_nothing_is_trained_unless_asked_for():
    layer = _layer(ENCODER, trainable=False)
    model = _compile(_classifier(layer, ENCODER), "adam")
    before = layer.get_weights()
    model.fit(_arrays(ENCODER), LABELS, verbose=0)
    assert len(model.trainable_weights) == 2
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.stress
def test_weights_that_are_frozen_by_name_stay_and_the_others_move():
    layer = _layer(ENCODER)
    frozen = ("word_embeddings", "position_embedding", "type_embeddings")
    is_frozen = [weight.name.startswith(frozen) for weight in layer.weights]
    for weight, freeze in zip(layer.weights, is_frozen, strict=True):
        weight.trainable = not freeze
    before = layer.get_weights()
    model = _compile(_classifier(layer, ENCODER), keras.optimizers.Adam(0.01))
    model.fit(_arrays(ENCODER), LABELS, verbose=0)
    stayed = [(old == w.numpy()).all() for old, w in zip(before, layer.weights, strict=True)]
    assert sum(is_frozen) == 3 and stayed == is_frozen


@sampling.parametrize("case", _TINY, sample=EXTREMES[1:], ids=str)
def test_fit_takes_the_step_that_a_tape_over_hub_load_gives(case):
    learning_rate = 0.5
    call = _original(case)
    layer = _layer(case)
    model = _compile(_classifier(layer, case), keras.optimizers.SGD(learning_rate))
    kernel, bias = model.get_layer("classifier").get_weights()
    with tf.GradientTape() as tape:
        outputs = call(case.inputs(), training=True)
        features = outputs[hub_api.POOLED_OUTPUT]
        if case.is_mlm:
            mean = tf.reduce_mean(outputs[hub_api.MLM_LOGITS], axis=1)
            features = tf.concat([features, mean], axis=-1)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, features @ kernel + bias)
        )
    gradients = tape.gradient(loss, call.variables)
    history = model.fit(_arrays(case), LABELS, verbose=0).history
    np.testing.assert_allclose(history["loss"], [loss], atol=1e-6, rtol=1e-6)
    for variable, gradient, weight in zip(call.variables, gradients, layer.weights, strict=True):
        expected = variable - learning_rate * tf.convert_to_tensor(gradient)
        np.testing.assert_allclose(weight, expected, atol=1e-6, rtol=0, err_msg=weight.name)


@sampling.parametrize("case", EXTREMES, sample=EXTREMES[:1], ids=str)
@pytest.mark.stress
def test_fine_tuning_with_adam_reduces_the_loss_and_moves_every_weight(case):
    layer = _layer(case)
    model = _compile(_classifier(layer, case), keras.optimizers.Adam(0.01))
    before = layer.get_weights()
    losses = model.fit(_arrays(case), LABELS, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    for old, weight in zip(before, layer.weights, strict=True):
        assert (old != weight.numpy()).any(), weight.name


@pytest.mark.stress
def test_weight_decay_excludes_weights_by_name():
    """With a loss of zero, only the decay changes a weight."""
    learning_rate, weight_decay = 0.1, 0.5
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["layer_norm", "bias"])
    layer = _layer(ENCODER)
    table.randomize([weight.value for weight in layer.weights])
    model = _classifier(layer, ENCODER)
    model.compile(optimizer, lambda labels, logits: 0.0 * keras.ops.sum(logits))
    before = layer.get_weights()
    model.fit(_arrays(ENCODER), LABELS, verbose=0)
    excluded = 0
    for old, variable in zip(before, _original(ENCODER).variables, strict=True):
        name = table.name_of(variable)
        (weight,) = (w for w in layer.weights if w.name == name.replace("/", "_"))
        kept = "layer_norm" in name or name.endswith("bias")
        excluded += kept
        expected = old * (1 if kept else 1 - learning_rate * weight_decay)
        np.testing.assert_allclose(weight, expected, atol=1e-6, rtol=1e-6, err_msg=name)
    assert excluded == 14  # 8 biases, and gamma and beta of 3 layer norms


def _directory():
    return table.directory(ENCODER.artifact)


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory, stress):
    """Outputs and next losses of fine-tuned models, here and in a new process, by case."""
    folder = tmp_path_factory.mktemp("keras3")
    expected = {}
    for case in EXTREMES if stress else EXTREMES[1:]:
        original = shutil.copytree(_directory(), folder / "original")
        layer = keras3.SavedModelLayer(original, callable=case.path or None, trainable=True)
        model = _compile(_classifier(layer, case), keras.optimizers.Adam(0.01))
        inputs = _arrays(case)
        model.fit(inputs, LABELS, epochs=2, verbose=0)
        model.save(folder / f"{case}.keras")
        np.savez(folder / f"{case}.npz", **inputs)
        shutil.rmtree(original)
        expected[str(case)] = {
            "outputs": model.predict(inputs, verbose=0),
            "losses": model.fit(inputs, LABELS, verbose=0).history["loss"],
        }
    shutil.copy(keras3.__file__, folder)
    environment = processes.environment()
    del environment["PYTHONPATH"]
    (folder / "loader.py").write_text(_LOADER, encoding="utf-8")
    arguments = ["loader.py", folder, json.dumps(LABELS.tolist())]
    done = processes.python(*arguments, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return expected, json.loads(done.stdout)


@sampling.parametrize("case", EXTREMES, sample=EXTREMES[1:], ids=str)
@pytest.mark.stress
def test_a_saved_model_goes_on_in_a_new_process_without_the_original(case, reloaded):
    expected, found = reloaded
    for name, value in expected[str(case)].items():
        np.testing.assert_allclose(
            found[str(case)][name], value, atol=1e-6, rtol=1e-6, err_msg=name
        )


@pytest.mark.stress
def test_the_file_alone_is_all_that_a_user_needs(reloaded):
    _, found = reloaded
    assert found["modules"] == []


def test_preprocessor_maps_a_dataset(tiny_preprocessor):
    sentences = ["Hello TensorFlow!", "", "Café"]
    layer = keras3.SavedModelLayer(tiny_preprocessor)
    (mapped,) = tf.data.Dataset.from_tensor_slices(sentences).batch(3).map(layer)
    for name, ids in hub.load(str(tiny_preprocessor))(tf.constant(sentences)).items():
        np.testing.assert_array_equal(mapped[name], ids)
    assert layer.weights == []


def test_a_file_is_loaded_only_if_it_is_trusted(tmp_path):
    model = _classifier(_layer(ENCODER), ENCODER)
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="safe_mode=False"):
        keras.models.load_model(tmp_path / "model.keras")


def test_a_folder_that_is_not_a_saved_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=f"SavedModel, got .*{tmp_path.name}"):
        keras3.SavedModelLayer(tmp_path)


@sampling.parametrize("path", ["mln", "mlm.head", "variables"], sample=["mlm.head"])
def test_a_callable_that_is_not_there_is_refused_with_those_that_are(path):
    with pytest.raises(ValueError, match=f"got '{path}'; there is: mlm, unpadded"):
        keras3.SavedModelLayer(_directory(), callable=path)


def test_keras_2_is_refused(monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    with pytest.raises(ValueError, match="unset it, or use hub"):
        keras3.SavedModelLayer(_directory())


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="tensorflow backend, got 'torch'"):
        keras3.SavedModelLayer(_directory())


def test_a_list_of_texts_is_a_batch(tiny_preprocessor):
    layer = keras3.SavedModelLayer(tiny_preprocessor)
    texts = ["Hello TensorFlow!", "Café"]
    expected = layer(tf.constant(texts))
    for given in (texts, np.array(texts, object)):
        for name, ids in layer(given).items():
            np.testing.assert_array_equal(ids, expected[name])
    for name, ids in layer([]).items():
        assert ids.shape == (0, *expected[name].shape[1:])
    for given, said in (
        (tf.constant("Hello"), r"string \[\]"),
        (tf.constant([["Hello"]]), r"string \[1, 1\]"),
        (tf.ragged.constant([["Hello"], []]), r"ragged string \[2, None\]"),
        (keras.Input((1,), dtype="string"), r"string \[None, 1\]"),
        (np.array([1, 2], np.int32), r"int32 \[2\]"),
    ):
        with pytest.raises(ValueError, match=rf"takes string \[None\], got {said}"):
            layer(given)


def test_ids_of_another_type_are_refused_with_what_is_taken():
    ids = {name: tf.cast(tensor, tf.int64) for name, tensor in ENCODER.inputs().items()}
    with pytest.raises(ValueError, match=r"'input_mask': int32 \[None, None\].*got .*int64"):
        _layer(ENCODER)(ids)
