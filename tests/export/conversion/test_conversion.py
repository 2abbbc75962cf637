"""`export.convert` publishes what is verified, or nothing; `export.verify` verifies it again."""

import importlib.util
import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from onnx import numpy_helper

from configs import errors, hub_api
from export import api
from export.conversion import formats, runtime_process
from export.metadata import checksums, manifest
from tests.conformance import table
from tests.support import processes, shared_run


@pytest.fixture
def copy(tiny_onnx, tiny_encoder, tmp_path):
    """Returns a copy with its source beside it."""
    shutil.copytree(tiny_encoder, tmp_path / "tiny" / "1")
    return shutil.copytree(tiny_onnx, tmp_path / "tiny-onnx" / "1")


def test_the_command_publishes_files_tokenizer_and_manifest(tiny_onnx, tiny_encoder):
    assert tiny_onnx.parts[-3:] == ("exports", f"{tiny_encoder.parent.name}-onnx", "1")
    files = {path.name for path in tiny_onnx.iterdir()}
    assert files == {"model.onnx", "mlm.onnx", "unpadded.onnx", "assets", "assets.extra"}
    content = manifest.read(str(tiny_onnx))
    sums = tiny_encoder / checksums.FILE
    assert content["source_sha256"] == checksums.sha256(str(sums))
    assert content["compared"]["texts"] == 16
    measured = content["compared"]["signatures"]
    assert measured["serving_default"]["pooled_output"]["largest_difference"] < 1e-5
    assert measured["mlm"]["mlm_logits"]["equal_labels"] == 1
    assert content["sizes"]["model.onnx"] == (tiny_onnx / "model.onnx").stat().st_size
    assert set(content["runtime"]) == {"onnx", "onnxruntime"}


def test_its_files_compute_what_the_signatures_of_the_saved_model_do(tiny_onnx, loaded_encoder):
    inputs = {
        hub_api.INPUT_WORD_IDS: np.array([[2, 700, 9, 3], [2, 3, 0, 0]], np.int32),
        hub_api.INPUT_MASK: np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.int32),
        hub_api.INPUT_TYPE_IDS: np.array([[0, 0, 1, 1], [0, 0, 0, 0]], np.int32),
        hub_api.MASKED_LM_POSITIONS: np.array([[1, 2], [1, 0]], np.int32),
    }
    for name, file in (("serving_default", "model"), ("unpadded", "unpadded"), ("mlm", "mlm")):
        session = onnxruntime.InferenceSession(str(tiny_onnx / f"{file}.onnx"))
        feed = {one.name: inputs[one.name] for one in session.get_inputs()}
        serve = loaded_encoder.signatures[name]
        expected = serve(**{key: tf.constant(a) for key, a in feed.items()})
        names = [one.name for one in session.get_outputs()]
        assert set(names) == set(expected)
        for key, array in zip(names, session.run(names, feed), strict=True):
            np.testing.assert_allclose(array, expected[key], atol=1e-5, err_msg=f"{name} {key}")


@pytest.mark.stress  # test_runtimes.py has one of LiteRT
def test_verify_accepts_it_and_finds_its_source_beside_it(copy):
    result = api.verify(str(copy))
    assert not result.problems
    assert len(result.findings) == 10


def test_verify_needs_the_source(copy, tmp_path, tiny_classifier):
    shutil.rmtree(tmp_path / "tiny")
    with pytest.raises(errors.CheckpointError, match="say where with --source"):
        api.verify(str(copy))
    (problem,) = api.verify(str(copy), source=str(tiny_classifier)).problems
    assert "it was made from another artifact" in problem


def test_verify_finds_a_changed_weight(copy):
    path = copy / "model.onnx"
    made = onnx.load(path)
    (bias,) = [one for one in made.graph.initializer if one.name == "pooler_transform/bias"]
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 1e-3, bias.name))
    onnx.save(made, path)
    with pytest.raises(errors.VerificationError, match=r"model.onnx is changed"):
        api.verify(str(copy))
    checksums.write(str(copy))
    problems = api.verify(str(copy)).problems
    assert len(problems) == 2  # `default` and `pooled_output` of serving_default
    assert all("more than 1.0e-05" in problem for problem in problems)


def test_a_file_that_does_not_run_is_one_error(copy):
    (copy / "model.onnx").write_bytes(b"no graph")
    checksums.write(str(copy))
    error = processes.error(processes.run("export.verify", copy))
    assert "does not run as onnx" in error


def test_a_crash_of_the_runtime_is_one_error(copy, monkeypatch):
    monkeypatch.setattr(runtime_process, "_CODE", "import os; os.abort()")
    with pytest.raises(errors.VerificationError, match=r"does not run as onnx: .* status -6"):
        runtime_process.run("onnx", str(copy), [("serving_default", {})])


@pytest.fixture(scope="session")
def saved_again():
    """Returns an encoder with heads that was trained and saved again, and its config."""

    def save(folder):
        (artifact,) = [one for one in table.ARTIFACTS if one.name == "heads"]
        tf.saved_model.save(table.load(artifact), str(folder / "trained" / "3"))
        (folder / "config.json").write_text(json.dumps(artifact.config.to_json()))
        return folder

    return shared_run.once("saved_again_for_conversion", save)


@pytest.mark.stress
def test_an_encoder_that_was_saved_again_is_converted_with_every_head(saved_again, tmp_path):
    path = api.convert(
        str(saved_again / "trained" / "3"),
        to="onnx",
        signatures=["classify", "tag", "answer", "choose", "unpadded.tag"],
        config=str(saved_again / "config.json"),
        export_dir=str(tmp_path),
    )
    assert path == str(tmp_path / "trained-onnx" / "3")
    measured = manifest.read(path)["compared"]["signatures"]
    assert len(measured) == 6
    for outputs in measured.values():
        assert all(one["largest_difference"] < 1e-5 for one in outputs.values())
    assert not api.verify(path, source=str(saved_again / "trained" / "3")).problems


def test_an_encoder_that_was_saved_again_becomes_a_model_of_transformers(saved_again, tmp_path):
    def convert(*names):
        return api.convert(
            str(saved_again / "trained" / "3"),
            to="huggingface",
            signatures=names,
            config=str(saved_again / "config.json"),
            export_dir=str(tmp_path),
        )

    with pytest.raises(errors.InputError, match="say which with --signature"):
        convert()
    path = convert("tag")
    assert path == str(tmp_path / "trained-huggingface" / "3")
    content = json.loads((tmp_path / "trained-huggingface" / "3" / "config.json").read_text())
    assert content["architectures"] == ["AlbertForTokenClassification"]
    assert content["id2label"] == {"0": "A", "1": "B", "2": "C", "3": "D"}
    assert not api.verify(path, source=str(saved_again / "trained" / "3")).problems


def _to_int8(encoder, folder, *, min_cosine):
    """Converts an encoder, compared on two texts, into `folder/exports`; returns the path."""
    (folder / "texts").write_text("one text\n\nanother one\n")
    return api.convert(
        str(encoder),
        to="onnx",
        quantize="int8",
        min_cosine=min_cosine,
        texts=str(folder / "texts"),
        model_name="small",
        export_dir=str(folder / "exports"),
    )


def test_what_is_worse_than_min_cosine_is_not_published(tiny_encoder, tmp_path):
    with pytest.raises(errors.VerificationError, match=r"cosine of \d\.\d+ to the SavedModel's"):
        _to_int8(tiny_encoder, tmp_path, min_cosine=1.0)
    assert not (tmp_path / "exports").exists()


@pytest.mark.stress  # test_runtimes.py has a quantized file
def test_what_is_no_worse_than_min_cosine_is_published(tiny_encoder, tmp_path):
    path = _to_int8(tiny_encoder, tmp_path, min_cosine=0.99)
    assert path == str(tmp_path / "exports" / "small-onnx-int8" / "1")
    compared = manifest.read(path)["compared"]
    assert compared["texts"] == 2
    cosine = compared["signatures"]["serving_default"]["pooled_output"]["smallest_cosine"]
    assert 0.99 < cosine < 1


def test_bad_requests_are_refused_before_anything_is_written(
    tiny_encoder, tiny_preprocessor, tiny_embedder, tmp_path
):
    def refused(message, directory=tiny_encoder, **options):
        options = {"to": "onnx", "export_dir": str(tmp_path / "exports"), **options}
        with pytest.raises(errors.InputError, match=message):
            api.convert(str(directory), **options)
        assert not (tmp_path / "exports").exists()

    refused("has no signature sop, tags; it has serving_default, mlm", signatures=["sop", "tags"])
    refused("--to must be one of onnx, litert, openvino, huggingface, got 'onyx'", to="onyx")
    refused("--quantize must be one of none, float16, int8", quantize="int4")
    refused("convert the encoder that it was made from", tiny_embedder, to="litert")
    refused("is a preprocessor, not an encoder or a text model", tiny_preprocessor)
    refused("is not the directory of a SavedModel", tmp_path)
    (tmp_path / "texts").write_text("\n")
    refused("has no texts", texts=str(tmp_path / "texts"))
    (tmp_path / "texts").write_text("text\n" * 1001)
    refused("must have at most 1000 texts, got 1001", texts=str(tmp_path / "texts"))
    shutil.copytree(tiny_encoder, tmp_path / "unnamed")
    refused("say its name with --model_name", tmp_path / "unnamed")
    (tmp_path / "unnamed" / "saved_model.pb").write_bytes(b"")
    refused("is damaged: saved_model.pb is changed", tmp_path / "unnamed")


def test_versions_are_never_overwritten(tiny_onnx, tiny_encoder):
    before = processes.contents(tiny_onnx)
    done = processes.run("export.convert", tiny_encoder, "--to", "onnx", cwd=tiny_onnx.parents[2])
    assert "exists; versions are never overwritten" in processes.error(done)
    assert processes.contents(tiny_onnx) == before


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.InputError, match=r"--to onnx needs onnx and onnxruntime: pip "):
        formats.get("onnx")
