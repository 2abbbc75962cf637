"""Every change of an artifact is found, and the changed file named."""

import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

from export.metadata import checksums
from tests.support import processes

WITHOUT_TENSORFLOW = processes.environment(without_tensorflow=True)


@pytest.fixture(scope="module")
def original(tiny_encoder, tmp_path_factory):
    """Returns a copy of an artifact with every kind of file."""
    folder = tmp_path_factory.mktemp("checksums") / "artifact"
    return shutil.copytree(tiny_encoder, folder)


@pytest.fixture
def artifact(original, tmp_path):
    return shutil.copytree(original, tmp_path / "artifact")


def _files(directory):
    return sorted(path for path in pathlib.Path(directory).rglob("*") if path.is_file())


def _name(path, artifact):
    return path.relative_to(artifact).as_posix()


def test_every_other_file_is_listed_and_sha256sum_agrees(artifact):
    lines = (artifact / checksums.FILE).read_text().splitlines()
    listed = [line.split("  ", 1)[1] for line in lines]
    assert listed == sorted(listed)
    assert set(listed) | {checksums.FILE} == {_name(path, artifact) for path in _files(artifact)}
    assert "assets.extra/manifest.json" in listed
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("sha256sum is not installed")
    subprocess.run([tool, "--check", "--strict", checksums.FILE], cwd=artifact, check=True)


def test_an_untouched_artifact_passes(artifact):
    assert checksums.problems(str(artifact)) == []


def test_every_changed_byte_is_found_and_its_file_named(artifact, stress):
    generator = random.Random(0)
    files = _files(artifact)
    count = 600 if stress else 60
    for number in range(count):
        path = files[number % len(files)]
        content = path.read_bytes()
        position = generator.randrange(len(content))
        changed = bytearray(content)
        changed[position] ^= generator.randrange(1, 256)
        path.write_bytes(changed)
        problems = "; ".join(checksums.problems(str(artifact)))
        assert problems, (path, position)
        # A changed digest is reported as a change of the file that it belongs to.
        assert _name(path, artifact) in problems or path.name == "SHA256SUMS"
        path.write_bytes(content)
    assert checksums.problems(str(artifact)) == []
    print(f"\n{count} single-byte changes over {len(files)} files: all found")


def test_every_removed_file_is_found_and_named(artifact):
    for path in _files(artifact):
        content = path.read_bytes()
        path.unlink()
        assert checksums.problems(str(artifact)) == [f"{_name(path, artifact)} is missing"]
        path.write_bytes(content)


@pytest.mark.parametrize("folder", [".", "assets", "assets.extra", "variables", "new"])
@pytest.mark.parametrize("kind", ["file", "empty", "link", "folder_link", "dangling_link"])
def test_every_added_file_is_found_and_named(artifact, folder, kind):
    path = artifact / folder / "added"
    path.parent.mkdir(exist_ok=True)
    if kind == "folder_link":
        path.symlink_to("/")
    elif kind == "link":
        path.symlink_to(artifact / "saved_model.pb")
    elif kind == "dangling_link":
        path.symlink_to("nowhere")
    else:
        path.write_text("" if kind == "empty" else "added")
    name = os.path.normpath(f"{folder}/added")
    assert checksums.problems(str(artifact)) == [f"{name} is additional"]


def test_a_file_that_became_a_link_to_its_content_is_found(artifact, tmp_path):
    path = artifact / "fingerprint.pb"
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    assert checksums.problems(str(artifact)) == ["fingerprint.pb is changed"]


@pytest.mark.parametrize("change", [b"\n", b" ", b"# a comment\n", b"\r"])
def test_any_other_spelling_of_the_list_is_found(artifact, change):
    path = artifact / checksums.FILE
    path.write_bytes(path.read_bytes() + change)
    assert checksums.problems(str(artifact)) == [f"{checksums.FILE} is changed"]


@pytest.mark.parametrize(
    "file", ["saved_model.pb", "assets.extra/manifest.json", "variables/variables.index"]
)
def test_verify_names_what_is_changed_or_missing_before_it_loads_anything(artifact, file):
    path = artifact / file
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    _assert_verify_fails(artifact, f"{file} is changed")
    path.unlink()
    _assert_verify_fails(artifact, f"{file} is missing")


def test_verify_misses_the_list_of_digests(artifact):
    (artifact / checksums.FILE).unlink()
    _assert_verify_fails(artifact, f"{checksums.FILE} is missing")


def _assert_verify_fails(artifact, message):
    done = processes.run("export.verify", artifact, cwd=artifact.parent, env=WITHOUT_TENSORFLOW)
    assert message in processes.error(done)


def test_the_manifest_is_json_for_people(artifact):
    text = (artifact / "assets.extra" / "manifest.json").read_text()
    assert json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n" == text
