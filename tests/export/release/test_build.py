"""A version is published only if the content of its tarball was verified."""

import dataclasses
import hashlib
import json
import pathlib
import shutil

import pytest

from configs import errors
from export.metadata import manifest
from export.publishing import subprocesses
from export.release import build, model_list, paths, tarball, toolchain
from tests.support import exporter, processes

MADE_WITH = toolchain.Toolchain(source_uri=None, commit="a" * 40, modified=False, packages=())
INPUTS = {"config": {"hidden_size": 8}}


class _Commands:
    """A fake of `CommandRunner`: its exporter copies, and its verifier finds a given problem."""

    def __init__(self, artifact, *, problem=None):
        self._artifact = artifact
        self._problem = problem
        self.verified = None

    def run(self, module, *arguments, log_prefix):
        flags = dict(argument[2:].split("=", 1) for argument in arguments if argument[:2] == "--")
        if module != "export.verify":
            self.exported = module, arguments[0], flags
            path = pathlib.Path(flags["export_dir"], flags["model_name"], flags["version"])
            return str(shutil.copytree(self._artifact, path))
        self.verified = processes.contents(arguments[0]), flags
        if self._problem:
            raise errors.ReleaseError(self._problem)
        results = flags.pop("results", None)
        if results:
            pathlib.Path(results).write_text('{"checks": ["it loads"], "problems": []}')
        return ""


@pytest.fixture
def artifact(tmp_path):
    directory = tmp_path / "artifact"
    directory.mkdir()
    exporter.write_small(str(directory))
    manifest.write(str(directory), artifact=manifest.ENCODER, entries=INPUTS)
    return directory


ENCODER = model_list.ModelSpec(
    name="albert",
    version=3,
    kind="encoder",
    sources={"config": "tiny"},
    options={"mlm": False},
)


def _build(tmp_path, commands, *, model=ENCODER, inputs=INPUTS, expected=None, components=None):
    """Builds a version, and returns the names of the published files."""
    dist, work = tmp_path / "dist", tmp_path / "work"
    builder = build.Builder(
        commands=commands, work=str(work), made_with=MADE_WITH, key=None, log=lambda line: None
    )
    version_paths = paths.VersionPaths(str(dist), publisher="org", model=model)
    try:
        builder.build(
            model,
            inputs=inputs,
            version_paths=version_paths,
            components=components or {},
            expected=expected,
        )
    finally:
        assert not dist.exists() or not list(dist.rglob(".*"))
    return sorted(path.name for path in (dist / "org" / model.name).iterdir())


def test_what_comes_out_of_the_tarball_is_verified_and_published(artifact, tmp_path):
    commands = _Commands(artifact)
    assert _build(tmp_path, commands) == [
        *("3.cdx.json", "3.intoto.json", "3.tar.gz", "3.verify.json")
    ]
    folder = tmp_path / "dist" / "org" / "albert"
    digest = hashlib.sha256((folder / "3.tar.gz").read_bytes()).hexdigest()
    assert json.loads((folder / "3.verify.json").read_text()) == {
        "subject": {"name": "org/albert/3.tar.gz", "sha256": digest},
        "checks": ["it loads"],
        "problems": [],
    }
    content, flags = commands.verified
    assert content == processes.contents(artifact)
    assert flags == {}


def test_it_is_compared_with_its_checkpoint(artifact, tmp_path):
    commands = _Commands(artifact)
    sources = {"checkpoint": "model.ckpt", "config": "config.json", "sp_model_file": "x.model"}
    _build(tmp_path, commands, model=dataclasses.replace(ENCODER, sources=sources))
    assert commands.verified[1] == {"checkpoint": "model.ckpt", "config": "config.json"}


def test_a_conversion_is_made_of_the_released_encoder_and_compared_with_it(artifact, tmp_path):
    released = tmp_path / "released.tar.gz"
    tarball.write(str(artifact), str(released))
    conversion = model_list.ModelSpec(
        name="albert-onnx-int8",
        version=3,
        kind=manifest.CONVERSION,
        sources={"encoder": "albert/3"},
        options={"to": "onnx", "quantize": "int8"},
    )
    commands = _Commands(artifact)
    components = {"encoder": str(released)}
    names = _build(tmp_path, commands, model=conversion, components=components)
    assert names == ["3.cdx.json", "3.intoto.json", "3.tar.gz"]
    module, directory, flags = commands.exported
    assert module == "export.convert"
    assert {**flags, "export_dir": ""} == {
        **{"export_dir": "", "model_name": "albert", "version": "3"},
        **{"to": "onnx", "quantize": "int8"},
    }
    assert commands.verified[1] == {"source": directory}


def test_what_is_not_right_is_not_published(artifact, tmp_path):
    with pytest.raises(errors.ReleaseError, match="wrong weights"):
        _build(tmp_path, _Commands(artifact, problem="wrong weights"))
    assert not (tmp_path / "dist").exists()


def test_inputs_that_change_during_the_export_are_found(artifact, tmp_path):
    with pytest.raises(errors.ReleaseError, match="changed during the export: config"):
        _build(tmp_path, _Commands(artifact), inputs={"config": {"hidden_size": 9}})
    assert not (tmp_path / "dist").exists()


def test_a_version_that_was_released_before_gets_no_other_bytes(artifact, tmp_path):
    with pytest.raises(errors.VersionExistsError, match="would have"):
        _build(tmp_path, _Commands(artifact), expected="0" * 64)
    assert not (tmp_path / "dist").exists()


def test_processes_of_our_own_find_the_packages_from_anywhere(tmp_path):
    done = processes.python(
        "-c", "import export.release", cwd=tmp_path, env=subprocesses.environment()
    )
    assert done.returncode == 0, done.stderr
