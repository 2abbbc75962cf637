"""Every callable of every text model: outputs, gradients, layers of Keras 2 and 3, and copies."""

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
from export.verification import numpy_albert, text_inputs, text_results, tolerances
from tests.conformance import rounding, text_table
from tests.support import processes, sampling

ROWS = sampling.parametrize("row", text_table.ROWS, sample=text_table.SAMPLE, ids=str)
TRAINABLE_ROWS = sampling.parametrize(
    "row",
    [row for row in text_table.ROWS if row.is_trainable],
    sample=text_table.SAMPLE,
    ids=str,
)

# Loads every copy in a folder, and writes what its signature gives.
_LOADER = """
import json, sys
import tensorflow as tf, tensorflow_hub as hub, tensorflow_text
folder, found = sys.argv[1], {}
for task, (signature, inputs) in json.load(open(f"{folder}/inputs.json")).items():
    module = hub.load(f"{folder}/{task}")
    outputs = module.signatures[signature](**{n: tf.constant(v) for n, v in inputs.items()})
    found[task] = {"variables": len(module.variables)}
    for name, value in outputs.items():
        value = tf.io.serialize_tensor(value).numpy().hex()
        found[task][name] = value
json.dump(found, open(f"{folder}/found.json", "w"))
"""


def _assert_equal(row, got, expected):
    """Asserts that outputs are the same, of which signatures have less than callables."""
    assert set(got) and set(got) <= set(expected)
    for name, value in got.items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(expected[name]), err_msg=name)


@ROWS
def test_outputs_are_those_of_the_reference(row):
    texts = [text_inputs.Text(*one) for one in zip(*row.columns, strict=True)]
    task = row.task.removesuffix("_pairs")
    found = text_results.of(row.root(), texts, task=task, batch=len(texts))
    for text, got, right in zip(texts, found, row.expected(), strict=True):
        choices = text_results.comparable(text, right.choices)
        assert text_results.comparable(text, got.choices) == choices
        for name, value in right.numbers.items():
            atol = tolerances.SCORES * max(1.0, np.abs(value).max(initial=0))
            np.testing.assert_allclose(got.numbers[name], value, atol=atol, rtol=0)


@ROWS
def test_the_callable_and_its_signature_give_the_same(row):
    outputs = row.outputs(row.call()(row.inputs()))
    served = row.root().signatures[row.signature](**row.named_inputs())
    served = {name: served[name] for name in served if name in outputs}
    _assert_equal(row, served, outputs)


@TRAINABLE_ROWS
def test_every_used_variable_gets_a_gradient(row):
    call = row.call()
    names = [v.name for v in call.variables]
    assert names == [v.name for v in call.trainable_variables] and len(names) >= 25
    with tf.GradientTape() as tape:
        loss = tf.add_n(row.losses(row.outputs(call(row.inputs(), training=True))))
    gradients = tape.gradient(loss, call.trainable_variables)
    # The mean of states does not use the pooler.
    unused = "pooler_transform/" if row.task == "embed" else "none"
    without = [name for name, gradient in zip(names, gradients, strict=True) if gradient is None]
    assert [name for name in without if not name.startswith(unused)] == []


@pytest.mark.stress  # test_gradients.py has one of encoders
@ROWS
def test_a_persistent_tape_gives_what_ordinary_ones_give(row):
    call = row.call()

    def loss():
        losses = row.losses(row.outputs(call(row.inputs(), training=False)))
        assert losses
        return tf.add_n(losses)

    def dense(gradients):
        return [None if g is None else tf.convert_to_tensor(g).numpy() for g in gradients]

    with tf.GradientTape() as once:
        expected = loss()
    wanted = dense(once.gradient(expected, call.trainable_variables))
    assert any(gradient is not None for gradient in wanted)
    with tf.GradientTape(persistent=True) as tape:
        value = loss()
    for _ in range(2):
        got = dense(tape.gradient(value, call.trainable_variables))
        for variable, mine, right in zip(call.trainable_variables, got, wanted, strict=True):
            assert (mine is None) == (right is None), variable.name
            if right is not None:
                atol = 1e-5 * (1 + np.abs(right).max())
                np.testing.assert_allclose(mine, right, atol=atol, rtol=0, err_msg=variable.name)


@pytest.mark.stress
def test_the_gradient_of_a_classifier_equals_finite_differences_of_the_oracle():
    (row,) = text_table.SAMPLE
    call = row.call()
    reference = text_table.reference(row)
    tokens = reference.tokens
    packed = [tokens.pack(tokens.encode(text).ids[:46]) for text in row.columns[0]]
    weights = np.random.default_rng(1).standard_normal([len(packed), 3])

    def loss(tensors):
        logits = [
            numpy_albert.encode(tensors, config=reference.config, inputs=inputs, dtype=np.float64)[
                "classify.logits"
            ][0]
            for inputs in packed
        ]
        return float((np.array(logits) * weights).sum())

    with tf.GradientTape() as tape:
        logits = call(row.inputs(), training=False)["logits"]
        value = tf.reduce_sum(logits * weights.astype(np.float32))
    gradients = tape.gradient(value, call.trainable_variables)
    tensors = {n: t.astype(np.float64) for n, t in reference.tensors.items()}
    assert float(value) == pytest.approx(loss(tensors), abs=1e-4)
    directions = rounding.directions(tensors, seed=1)
    step = 1e-6
    for variable, gradient in zip(call.trainable_variables, gradients, strict=True):
        name = variable.name.removesuffix(":0")
        direction = directions[name]
        higher, lower = (
            loss({**tensors, name: tensors[name] + sign * step * direction}) for sign in (1, -1)
        )
        wanted = (higher - lower) / (2 * step)
        dense = tf.convert_to_tensor(gradient).numpy()
        limit = 1e-3 * (1 + float(np.linalg.norm(dense)))
        assert abs(float((dense * direction).sum()) - wanted) <= limit, name


@ROWS
@pytest.mark.stress
def test_keras_2_has_its_outputs_and_variables(row):
    call = row.call()
    layer = hub.KerasLayer(call, trainable=True)
    inputs = {name: tf_keras.Input([], dtype=tf.string, name=name) for name in row.named_inputs()}
    given = inputs if row.names else inputs[hub_api.SENTENCES]
    model = tf_keras.Model(given, row.outputs(layer(given)))
    _assert_equal(row, model(row.inputs()), row.outputs(call(row.inputs())))
    names = [variable.name for variable in call.variables]
    assert [weight.name for weight in layer.trainable_weights] == names


@pytest.mark.stress
@ROWS
def test_keras_3_has_its_outputs_and_variables(row, monkeypatch):
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    layer = keras3.SavedModelLayer(row.directory, callable=row.path or None, trainable=True)
    inputs = {name: keras.Input((), dtype="string", name=name) for name in row.named_inputs()}
    given = inputs if row.names else inputs[hub_api.SENTENCES]
    model = keras.Model(given, row.outputs(layer(given)))
    _assert_equal(row, model(row.inputs()), row.outputs(row.call()(row.inputs())))
    names = [v.name.removesuffix(":0").replace("/", "_") for v in row.call().variables]
    assert [weight.name for weight in layer.trainable_weights] == names


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """What copies of models, saved again, give in a new process, by row."""
    folder = tmp_path_factory.mktemp("copies")
    inputs = {}
    for row in text_table.ROWS:
        root = hub.load(row.directory)
        tf.saved_model.save(root, os.path.join(folder, row.task), signatures=root.signatures)
        values = row.named_inputs().items()
        texts = {name: [t.decode() for t in tensor.numpy()] for name, tensor in values}
        inputs[row.task] = (row.signature, texts)
    (folder / "inputs.json").write_text(json.dumps(inputs))
    done = processes.python("-c", _LOADER, folder, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "found.json").read_text())


@ROWS
@pytest.mark.stress
def test_a_copy_saved_again_gives_the_same_in_a_new_process(row, copies):
    found = copies[row.task]
    assert found.pop("variables") == len(row.root().variables)
    expected = row.root().signatures[row.signature](**row.named_inputs())
    assert set(found) == set(expected)
    for name, value in expected.items():
        got = tf.io.parse_tensor(bytes.fromhex(found[name]), value.dtype)
        if value.dtype.is_floating:
            np.testing.assert_allclose(got, value, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(got, value, err_msg=name)
