"""Keras models around the artifacts are saved, and load in a new process without the originals."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from tests.conformance import rounding, table
from tests.support import processes, sampling

# Loads every saved model below a folder, and saves what they compute.
_LOADER = """
import json, pathlib, sys
import numpy as np, tensorflow as tf, tf_keras
folder = pathlib.Path(sys.argv[1])
outputs, counts = {}, {}
for case in json.loads((folder / "cases.json").read_text()):
    model_dir = str(folder / "models" / case)
    with np.load(folder / f"{case}.npz") as arrays:
        inputs = {name: tf.constant(arrays[name]) for name in arrays}
    model = tf_keras.models.load_model(model_dir, compile=False)
    outputs |= {f"{case}/{name}": value.numpy() for name, value in model(inputs).items()}
    counts[case] = len(model.trainable_variables)
np.savez(folder / "outputs.npz", **outputs)
(folder / "counts.json").write_text(json.dumps(counts))
"""
_OUTPUTS = (
    hub_api.POOLED_OUTPUT,
    hub_api.SEQUENCE_OUTPUT,
    hub_api.MLM_LOGITS,
    hub_api.SOP_LOGITS,
    hub_api.LOGITS,
    *hub_api.ANSWER_BEAM_SIGNATURE_OUTPUTS,
)
SAMPLE = [case for case in table.STRUCTURES if str(case) == "heads-unpadded.classify"]


def _keras_model(layer, case):
    rank = 2 if case.is_choice else 1  # without the batch
    inputs = {
        name: tf_keras.layers.Input(shape=(None,) * rank, dtype=tf.int32, name=name)
        for name in case.input_names
    }
    outputs = layer(inputs)
    return tf_keras.Model(inputs, {name: outputs[name] for name in _OUTPUTS if name in outputs})


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory, stress):
    """Outputs before, with limits, and after; trainable variables after; all by case."""
    folder = tmp_path_factory.mktemp("saved")
    originals = folder / "originals"
    expected = {}
    for case in table.STRUCTURES if stress else SAMPLE:
        original = originals / str(case)
        shutil.copytree(table.directory(case.artifact), original)
        # By its path, as most users do; a head has none.
        handle = case.callable_in(hub.load(str(original))) if case.path else str(original)
        model = _keras_model(hub.KerasLayer(handle, trainable=True), case)
        table.randomize(model.trainable_variables)
        model.save(folder / "models" / str(case), save_format="tf")
        np.savez(folder / f"{case}.npz", **case.inputs())
        limits = rounding.output_limits(case, table.tensors(model))
        expected[str(case)] = {
            name: (v.numpy(), limits[name]) for name, v in model(case.inputs()).items()
        }
    shutil.rmtree(originals)
    (folder / "cases.json").write_text(json.dumps(list(expected)))
    done = processes.python("-c", _LOADER, folder, cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "outputs.npz") as arrays:
        outputs = dict(arrays)
    return expected, outputs, json.loads((folder / "counts.json").read_text())


@sampling.parametrize("case", table.STRUCTURES, sample=SAMPLE, ids=str)
def test_saved_keras_model_loads_in_a_new_process_without_the_original(case, reloaded):
    expected, outputs, counts = reloaded
    for name, (value, limit) in expected[str(case)].items():
        rounding.assert_within(outputs[f"{case}/{name}"], value, limit, name)
    assert counts[str(case)] == len(table.shared(case).variables)


@pytest.mark.stress  # export/artifacts/test_golden_exports.py has one
@pytest.mark.parametrize("artifact", table.ARTIFACTS, ids=lambda artifact: artifact.name)
def test_an_artifact_saved_again_has_the_same_outputs(artifact, tmp_path):
    root = table.load(artifact)
    tf.saved_model.save(root, str(tmp_path / "copy"), signatures=root.signatures)
    copy = hub.load(str(tmp_path / "copy"))
    assert set(copy.signatures) == set(root.signatures)
    for case in table.CASES:
        if case.artifact == artifact:
            outputs = case.callable_in(copy)(case.inputs())
            rounding.assert_outputs_right(case, outputs)
