"""A version appears completely or not at all, and never over another."""

import errno
import fcntl
import itertools
import os
import pathlib
import shutil
import stat
import tempfile

import pytest

from configs import errors
from export.publishing import staging

NAME = "model"


def _write(directory, content="artifact"):
    os.makedirs(os.path.join(directory, "variables"))
    for name in ("saved_model.pb", os.path.join("variables", "variables.index")):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(content)


def _publish(export_dir, *, version=None, content="artifact"):
    with staging.staged(str(export_dir), model_name=NAME, version=version) as folder:
        _write(folder.directory, content)
        folder.sync()
        return staging.rename([folder])[0]


def _versions(export_dir):
    return sorted(os.listdir(export_dir / NAME), key=int)


def test_versions_count_up_from_one(tmp_path):
    paths = [_publish(tmp_path / "exports") for _ in range(3)]
    assert paths == [str(tmp_path / "exports" / NAME / str(version)) for version in (1, 2, 3)]
    assert _versions(tmp_path / "exports") == ["1", "2", "3"]
    for path in paths:
        assert sorted(os.listdir(path)) == ["saved_model.pb", "variables"]


def test_next_version_is_one_more_than_the_largest_number(tmp_path):
    for name in ("9", "10", "011x", "latest", "-3", "1.5", "²", ".12"):
        (tmp_path / NAME / name).mkdir(parents=True)
        (tmp_path / NAME / name / "file").touch()
    assert os.path.basename(_publish(tmp_path)) == "11"


def test_a_version_asked_for_is_written_even_below_others(tmp_path):
    _publish(tmp_path, version=7)
    assert os.path.basename(_publish(tmp_path, version=3)) == "3"
    assert os.path.basename(_publish(tmp_path)) == "8"


def test_an_existing_version_is_refused_before_any_work(tmp_path):
    path = _publish(tmp_path, version=3, content="first")
    with (
        pytest.raises(errors.VersionExistsError, match="3' exists"),
        staging.staged(str(tmp_path), model_name=NAME, version=3),
    ):
        pytest.fail("the block must not run")
    with open(os.path.join(path, "saved_model.pb"), encoding="utf-8") as file:
        assert file.read() == "first"


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_a_version_that_appears_meanwhile_is_not_overwritten(tmp_path, kind):
    with (
        pytest.raises(errors.VersionExistsError),
        staging.staged(str(tmp_path), model_name=NAME, version=3) as folder,
    ):
        _write(folder.directory)
        path = tmp_path / NAME / "3"
        if kind == "folder":
            _write(path, "other")
        elif kind == "file":
            path.write_text("other")
        else:
            path.symlink_to(tmp_path)
        staging.rename([folder])[0]
    assert os.listdir(tmp_path / NAME) == ["3"]
    if kind == "folder":
        assert (path / "saved_model.pb").read_text() == "other"


def test_the_next_free_version_skips_one_that_appears_meanwhile(tmp_path):
    with staging.staged(str(tmp_path), model_name=NAME, version=None) as folder:
        _write(folder.directory)
        assert os.path.basename(_publish(tmp_path, content="other")) == "1"
        assert os.path.basename(staging.rename([folder])[0]) == "2"


def test_nothing_numeric_exists_while_an_artifact_is_written(tmp_path):
    with staging.staged(str(tmp_path), model_name=NAME, version=None) as folder:
        _write(folder.directory)
        (name,) = os.listdir(tmp_path / NAME)
        assert name.startswith(".tmp-")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_export_leaves_nothing_behind(tmp_path, error):
    with (
        pytest.raises(error),
        staging.staged(str(tmp_path / "a" / "b"), model_name=NAME, version=None) as folder,
    ):
        _write(folder.directory)
        raise error
    assert os.listdir(tmp_path) == []


def test_an_interrupted_export_keeps_what_was_there(tmp_path):
    _publish(tmp_path)
    (tmp_path / "empty").mkdir()
    with (
        pytest.raises(RuntimeError),
        staging.staged(str(tmp_path), model_name=NAME, version=None),
    ):
        raise RuntimeError
    assert _versions(tmp_path) == ["1"]
    assert (tmp_path / "empty").is_dir()


def _abandon(tmp_path, name=".tmp-0123456789abcdef"):
    folder = tmp_path / NAME / name
    (folder / "artifact").mkdir(parents=True)
    (folder / "artifact" / "saved_model.pb").touch()
    (folder / "lock").touch()
    return folder


def test_staging_folders_of_dead_processes_are_swept(tmp_path):
    dead = _abandon(tmp_path)
    nearly_empty = tmp_path / NAME / ".tmp-empty"
    nearly_empty.mkdir()
    _publish(tmp_path)
    assert not dead.exists() and not nearly_empty.exists()
    assert _versions(tmp_path) == ["1"]


def test_staging_folders_of_living_processes_are_left_alone(tmp_path):
    alive = _abandon(tmp_path)
    with open(alive / "lock", "rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _publish(tmp_path)
    assert (alive / "artifact" / "saved_model.pb").exists()


def test_two_stagings_live_beside_each_other(tmp_path):
    arguments = {"model_name": NAME, "version": None}
    with (
        staging.staged(str(tmp_path), **arguments) as first,
        staging.staged(str(tmp_path), **arguments) as second,
    ):
        _write(first.directory, "first")
        _write(second.directory, "second")
        assert os.path.basename(staging.rename([second])[0]) == "1"
        assert os.path.basename(staging.rename([first])[0]) == "2"
    assert (tmp_path / NAME / "2" / "saved_model.pb").read_text() == "first"
    assert _versions(tmp_path) == ["1", "2"]


@pytest.mark.parametrize(
    ("umask", "folder_mode", "file_mode"), [(0o022, 0o755, 0o644), (0o027, 0o750, 0o640)]
)
def test_modes_are_the_umasks(tmp_path, umask, folder_mode, file_mode):
    before = os.umask(umask)
    try:
        path = _publish(tmp_path / "exports")
    finally:
        os.umask(before)
    for parent, _, names in os.walk(tmp_path / "exports"):
        assert stat.S_IMODE(os.stat(parent).st_mode) == folder_mode
        for name in names:
            assert stat.S_IMODE(os.stat(os.path.join(parent, name)).st_mode) == file_mode
    assert os.path.isdir(path)


@pytest.mark.parametrize("export_dir", ["gs://bucket/x", "s3://bucket", "hdfs://host/x"])
def test_remote_folders_are_refused_with_what_to_do(export_dir):
    with pytest.raises(errors.DestinationError, match="export to a local folder and copy"):
        staging.check(export_dir, model_name=NAME, version=None)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "a\n"])
def test_a_model_name_is_one_plain_folder(tmp_path, name):
    with pytest.raises(errors.DestinationError, match="model_name"):
        staging.check(str(tmp_path), model_name=name, version=None)


def test_everything_is_flushed_to_disk_before_the_rename_and_the_parent_after_it(
    tmp_path, monkeypatch
):
    calls = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(
        staging.os,
        "fsync",
        lambda fd: (calls.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)),
    )
    monkeypatch.setattr(
        staging.os, "rename", lambda old, new: (calls.append("rename"), rename(old, new))
    )
    path = _publish(tmp_path)
    before, after = calls[: calls.index("rename")], calls[calls.index("rename") + 1 :]
    names = {os.path.basename(call) for call in before}
    # The last one is the parent of the model's folder, which was made.
    assert names == {"artifact", "saved_model.pb", "variables", "variables.index", tmp_path.name}
    assert os.path.dirname(path) in after


def test_a_failing_rename_is_reported_and_cleaned_up(tmp_path, monkeypatch):
    def fail(old, new):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(staging.os, "rename", fail)
    with pytest.raises(OSError, match="input/output error"):
        _publish(tmp_path / "exports")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", range(5))
def test_a_failing_flush_names_the_file_and_leaves_nothing(tmp_path, monkeypatch, number):
    fsync, calls = os.fsync, itertools.count()

    def fail(descriptor):
        if next(calls) == number:
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(staging.os, "fsync", fail)
    with pytest.raises((OSError, errors.DestinationError), match="Input/output error") as raised:
        _publish(tmp_path / "exports")
    assert str(tmp_path) in str(raised.value)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_removed_hides_no_error(tmp_path, monkeypatch):
    def fail(path):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with (
        pytest.raises(MemoryError, match="of the export"),
        staging.staged(str(tmp_path), model_name=NAME, version=None),
    ):
        monkeypatch.setattr(staging.os, "listdir", fail)
        raise MemoryError("of the export")
    monkeypatch.undo()
    assert os.path.basename(_publish(tmp_path)) == "1"
    assert os.listdir(tmp_path / NAME) == ["1"]  # swept


def test_an_artifact_that_was_removed_meanwhile_is_an_error(tmp_path):
    with (
        pytest.raises(errors.DestinationError, match="was removed during the export"),
        staging.staged(str(tmp_path / "exports"), model_name=NAME, version=None) as folder,
    ):
        _write(folder.directory)
        shutil.rmtree(tmp_path / "exports")
        staging.rename([folder])[0]
    assert os.listdir(tmp_path) == []


def test_folders_that_another_exporter_removes_are_made_again(tmp_path, monkeypatch):
    makedirs = os.makedirs

    def make_and_lose(path, *, exist_ok):
        makedirs(path, exist_ok=exist_ok)
        monkeypatch.setattr(staging.os, "makedirs", makedirs)
        os.rmdir(path)  # as a failed exporter does with an empty folder

    monkeypatch.setattr(staging.os, "makedirs", make_and_lose)
    assert os.path.basename(_publish(tmp_path / "exports")) == "1"


def test_a_version_can_be_published_through_a_link_to_another_file_system(tmp_path):
    """The staging folder is beside the version, so that the rename stays in one file system."""
    other = pathlib.Path("/dev/shm")
    if not other.is_dir() or os.stat(other).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("/dev/shm is not another file system here")
    with tempfile.TemporaryDirectory(dir=other) as target:
        (tmp_path / NAME).symlink_to(target)
        assert os.listdir(_publish(tmp_path)) != []
        assert os.listdir(target) == ["1"]
