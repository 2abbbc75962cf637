"""What encoders are converted to is released. The commands copy instead of exporting."""

import importlib.util
import json
import os
import pathlib
import shutil

import pytest

from configs import errors
from export.metadata import checksums
from export.release import command_runner, model_list, run, tarball
from tests.export.release import test_provenance
from tests.support import processes, sites

ENCODER = {"name": "albert", "kind": "encoder", "version": 4, "config": "tiny"}
WITH_ONNX = {**ENCODER, "formats": ["onnx"]}
ONNX = "org/albert-onnx/4"


class Commands:
    """Fakes of the commands.

    Attributes:
      artifacts: what each module copies.
      ran: module and model's name of each.
      failing: modules that fail.
    """

    def __init__(self, artifacts):
        self.artifacts = artifacts
        self.ran = []
        self.failing = set()

    def run(self, module, *arguments, log_prefix):
        self.ran.append((module, log_prefix))
        if module in self.failing:
            raise errors.ReleaseError(f"{module} failed")
        flags = dict(argument[2:].split("=", 1) for argument in arguments if argument[:2] == "--")
        if module == "export.verify":
            if "results" in flags:
                pathlib.Path(flags["results"]).write_text('{"checks": ["it loads"]}')
            return ""
        path = os.path.join(flags["export_dir"], log_prefix, flags["version"])
        return shutil.copytree(self.artifacts[module], path)


@pytest.fixture
def commands(monkeypatch, tiny_encoder, tiny_onnx):
    made = Commands({"export.encoder": tiny_encoder, "export.convert": tiny_onnx})
    monkeypatch.setattr(
        command_runner.CommandRunner,
        "run",
        lambda self, *args, **options: made.run(*args, **options),
    )
    return made


def release(folder, *listed):
    """Releases a list into `folder/dist`, and returns the results by name."""
    folder.mkdir(exist_ok=True)
    (folder / "models.json").write_text(json.dumps({"models": listed}))
    done = run.run(
        model_list.read(str(folder / "models.json")),
        publisher="org",
        output_dir=str(folder / "dist"),
        jobs=2,
        key=None,
        source_uri=None,
        base_url=sites.BASE_URL,
    )
    return {str(result.model): result for result in done}


def test_a_format_has_tarball_statement_and_digests(commands, tiny_onnx, tmp_path):
    done = release(tmp_path, WITH_ONNX)
    assert {name: result.state for name, result in done.items()} == {
        "albert/4": "released",
        "albert-onnx/4": "released",
    }
    dist = tmp_path / "dist"
    tarball.unpack(str(dist / f"{ONNX}.tar.gz"), str(tmp_path / "unpacked"))
    assert processes.contents(tmp_path / "unpacked") == processes.contents(tiny_onnx)
    sums = checksums.parse((dist / "SHA256SUMS").read_text())
    for name in (f"{ONNX}.tar.gz", f"{ONNX}.intoto.json"):
        assert sums[name] == checksums.sha256(str(dist / name))
    assert commands.ran.count(("export.verify", "albert-onnx")) == 1


def test_its_statement_names_the_encoders_tarball_and_the_format(commands, tmp_path):
    release(tmp_path, WITH_ONNX)
    dist = tmp_path / "dist"
    stated, provenance = test_provenance.parsed((dist / f"{ONNX}.intoto.json").read_text())
    (subject,) = stated.subject
    assert subject.name == f"{ONNX}.tar.gz"
    assert subject.digest["sha256"] == checksums.sha256(str(dist / f"{ONNX}.tar.gz"))
    encoder = checksums.sha256(str(dist / "org/albert/4.tar.gz"))
    definition = provenance.build_definition
    found = {one.name: one.digest.get("sha256") for one in definition.resolved_dependencies}
    assert found["albert/4.tar.gz"] == encoder
    assert "onnxruntime" in found
    asked = definition.external_parameters
    assert dict(asked["options"]) == {"to": "onnx", "quantize": "none"}
    assert dict(asked["encoder"]) == {"model": "albert/4", "sha256": encoder}


@pytest.mark.stress
def test_an_embedder_is_converted_from_its_own_tarball(
    commands, tiny_embedder, tiny_preprocessor, tmp_path
):
    commands.artifacts |= {
        "export.embedder": tiny_embedder,
        "export.preprocessor": tiny_preprocessor,
    }
    embedder = {"name": "embed", "kind": "embedder", "version": 2, "formats": ["onnx"]}
    embedder |= {"encoder": "albert/4", "preprocessor": "preprocess/1"}
    preprocessor = {"name": "preprocess", "kind": "preprocessor", "version": 1}
    done = release(tmp_path, embedder, ENCODER, preprocessor)
    assert {result.state for result in done.values()} == {"released"}
    dist = tmp_path / "dist/org"
    _, provenance = test_provenance.parsed((dist / "embed-onnx/2.intoto.json").read_text())
    materials = provenance.build_definition.resolved_dependencies
    found = {one.name: one.digest.get("sha256") for one in materials}
    assert found["embed/2.tar.gz"] == checksums.sha256(str(dist / "embed/2.tar.gz"))
    assert "albert/4.tar.gz" not in found


def test_formats_change_no_byte_of_the_encoder_and_may_come_and_go(commands, tmp_path):
    release(tmp_path / "one", ENCODER)
    before = processes.contents(tmp_path / "one/dist")
    assert "Other formats" not in before["org/albert/4.md"].decode()
    done = release(tmp_path / "one", WITH_ONNX)
    assert (done["albert/4"].state, done["albert-onnx/4"].state) == ("kept", "released")
    after = processes.contents(tmp_path / "one/dist")
    changed = {name for name in before if before[name] != after[name]}
    of_pages = {f"org/albert/{name}" for name in ("4.md", "4.html", "index.html")}
    assert changed == {"SHA256SUMS", "index.html", *of_pages}
    release(tmp_path / "one", ENCODER)  # what is published stays
    assert processes.contents(tmp_path / "one/dist") == after
    release(tmp_path / "other", WITH_ONNX)  # at once
    assert processes.contents(tmp_path / "other/dist") == after


def test_an_encoder_that_fails_has_no_formats(commands, tmp_path):
    commands.failing = {"export.encoder"}
    done = release(tmp_path, WITH_ONNX)
    assert done["albert/4"].problem == "export.encoder failed"
    assert done["albert-onnx/4"].problem == "it is made of models that failed: albert/4"
    assert ("export.convert", "albert-onnx") not in commands.ran


def test_a_format_that_fails_leaves_the_encoder(commands, tmp_path):
    commands.failing = {"export.convert"}
    done = release(tmp_path, WITH_ONNX)
    assert done["albert/4"].state == "released"
    assert done["albert-onnx/4"].problem == "export.convert failed"
    assert not (tmp_path / "dist/org/albert-onnx").exists()
    assert "Other formats" not in (tmp_path / "dist/org/albert/4.md").read_text()


def test_packages_that_are_missing_are_all_named_before_anything_is_built(
    commands, monkeypatch, tmp_path
):
    find_spec, absent = importlib.util.find_spec, ("onnxruntime", "ai_edge_litert")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in absent else find_spec(name)
    )
    formats = ["litert", "huggingface", "onnx", "litert-int8"]
    with pytest.raises(errors.ReleaseError) as caught:
        release(tmp_path, {**ENCODER, "formats": formats})
    problem = str(caught.value)
    assert problem.count("onnx needs onnxruntime: pip install 'onnxruntime>=1.20'") == 1
    assert problem.count("litert needs ai_edge_litert: pip install 'ai-edge-litert>=2.1'") == 1
    assert "huggingface" not in problem
    assert not commands.ran and not (tmp_path / "dist").exists()


def test_a_bad_value_is_one_line_without_tensorflow(tmp_path):
    listed = [{**ENCODER, "formats": ["onnx", "tflite"]}]
    (tmp_path / "models.json").write_text(json.dumps({"models": listed}))
    done = processes.run(
        *("export.release", "--models=models.json", "--publisher=org"),
        cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )
    error = processes.error(done)
    assert "model 1 (albert): formats has 'tflite', allowed are onnx, onnx-float16, " in error
    assert not (tmp_path / "dist").exists()
