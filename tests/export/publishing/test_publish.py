"""Published artifacts were loaded by another process, and have manifest entries."""

import functools
import json
import os
import resource
import shutil
import sys

import pytest
import tensorflow as tf

from configs import errors, hub_api
from export import api
from export.metadata import checksums, finalize
from export.publishing import load_check, load_check_process
from tests.support import preprocess_artifacts, processes, sampling, shared_run


def test_artifact_says_what_it_needs_and_how_large_it_is(tiny_encoder):
    manifest = json.loads((tiny_encoder / "assets.extra" / "manifest.json").read_text())
    encoder, head = 498_400, 560 + 30_000  # by the shapes of the size
    assert manifest["parameters"] == encoder + head
    assert manifest["custom_ops"] == []
    assert manifest["oldest_tensorflow"] == "2.13"


def test_preprocessor_needs_tensorflow_texts_ops():
    entries = finalize.manifest_entries(preprocess_artifacts.directory("default"))
    assert entries["parameters"] == 0
    assert entries["oldest_tensorflow"] == "2.15"
    assert "SentencepieceOp" in entries["custom_ops"]
    # None of them is TensorFlow's own.
    assert not [name for name in entries["custom_ops"] if hasattr(tf.raw_ops, name)]


def test_a_good_artifact_is_found_good(tiny_encoder, tiny_preprocessor):
    assert load_check.problems(str(tiny_encoder)) == []
    assert load_check.problems(str(tiny_preprocessor)) == []


def _save(directory, function):
    root = tf.Module()
    root.function = tf.function(function, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    tf.saved_model.save(root, directory, signatures={hub_api.SERVING_DEFAULT: root.function})
    checksums.write(directory)


def _verify(directory):
    with load_check_process.LoadCheckProcess() as verifying:
        verifying.start(str(directory))
        verifying.wait()


@pytest.fixture
def forks(monkeypatch):
    """Makes the processes that the project starts forks, which need not import TensorFlow."""
    monkeypatch.setattr(sys, "executable", os.environ[shared_run.PYTHON])
    for name, value in processes.environment().items():
        monkeypatch.setenv(name, value)


def test_verifier_refuses_what_cannot_be_loaded_run_or_is_not_finite(forks, tmp_path):
    directory = str(tmp_path / "model")
    _save(directory, lambda x: {"y": x + 1.0})
    assert load_check.problems(directory) == []
    _verify(directory)  # returns
    broken = shutil.copytree(directory, tmp_path / "broken")
    (broken / "saved_model.pb").write_bytes(b"nothing")
    with pytest.raises(errors.VerificationError, match=r"nothing is published.*does not load"):
        _verify(broken)
    _save(str(tmp_path / "nan"), lambda x: {"y": x / 0.0})
    assert load_check.problems(str(tmp_path / "nan")) == ["output 'y' is not finite"]
    _save(str(tmp_path / "fails"), lambda x: {"y": tf.ensure_shape(x, [7])})
    (problem,) = load_check.problems(str(tmp_path / "fails"))
    assert problem.startswith("InvalidArgumentError")


def test_verifier_says_how_the_other_process_died(tmp_path, monkeypatch):
    monkeypatch.setattr(load_check_process, "_CODE", "raise SystemExit('out of luck')")
    with pytest.raises(errors.VerificationError, match="ended with status 1: out of luck"):
        _verify(tmp_path)


@pytest.mark.parametrize("kind", ["encoder", "preprocessor", "embedder", "text_model", "all"])
def test_what_tensorflow_would_not_find_is_not_begun(
    kind, tiny_encoder, tiny_preprocessor, golden_root, tmp_path
):
    parts = {"encoder": str(tiny_encoder), "preprocessor": str(tiny_preprocessor)}
    options = {
        "encoder": {"config": "tiny"},
        "preprocessor": {},
        "embedder": {**parts, "model_name": "m"},
        "text_model": {
            **parts,
            "model_name": "m",
            "text_model": api.TextModelRequest(task="fill_mask"),
        },
        "all": {
            "checkpoint": str(golden_root / "tiny" / "tf1"),
            "model_name": "m",
            "text_model": None,
        },
    }
    export = getattr(api, f"export_{kind}")
    with pytest.raises(errors.DestinationError, match=r"--export_dir must not have '\['"):
        export(**options[kind], export_dir=str(tmp_path / "a [1]"))
    assert os.listdir(tmp_path) == []


# Changes something, then runs the encoder's command.
_CHANGED = """
import sys
from export.metadata import finalize
from export.publishing import load_check_process, staging
{change}
sys.argv = ["export.encoder", *sys.argv[1:]]
import runpy
runpy.run_module("export.encoder", run_name="__main__")
"""
_DAMAGE = """
complete = finalize.finalize
def damaged(directory, **flags):
    complete(directory, **flags)
    with open(f"{directory}/variables/variables.index", "r+b") as file:
        file.write(b"damage")
finalize.finalize = damaged
"""
_REMOVE = """
import shutil
complete = finalize.finalize
def removed(directory, **flags):
    complete(directory, **flags)
    shutil.rmtree("exports")
finalize.finalize = removed
"""


def _export(folder, *, change="", preexec_fn=None):
    arguments = ["-c", _CHANGED.format(change=change), "--config", "tiny", "--nomlm"]
    return processes.python(*arguments, cwd=folder, preexec_fn=preexec_fn)


def _assert_failed(done, folder, message):
    assert message in processes.error(done)
    assert done.stdout == ""
    assert os.listdir(folder) == []


def test_an_artifact_that_does_not_verify_is_not_published(tmp_path):
    _assert_failed(_export(tmp_path, change=_DAMAGE), tmp_path, "nothing is published")


def test_a_folder_that_is_removed_half_way_is_an_error(tmp_path):
    _assert_failed(_export(tmp_path, change=_REMOVE), tmp_path, "export")


# A limit below the weights (2 MB) and one below the graph.
@sampling.parametrize("limit", [1_000_000, 100_000], sample=[100_000])
def test_a_full_disk_is_an_error(tmp_path, limit):
    set_limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
    _assert_failed(_export(tmp_path, preexec_fn=set_limit), tmp_path, "large")
