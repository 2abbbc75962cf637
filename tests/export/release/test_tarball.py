"""TensorFlow Hub reads the tarball, its bytes are reproducible, and damaged ones are refused."""

import gzip
import io
import os
import tarfile

import pytest

from configs import errors
from export.release import tarball
from tests.support import processes

NAMES = ["assets", "assets/b", "assets.extra", "assets.extra/a", "empty", "saved_model.pb"]


@pytest.fixture
def directory(tmp_path):
    root = tmp_path / "artifact"
    for number, name in enumerate(NAMES):
        path = root / name
        if number in (0, 2, 4):
            path.mkdir(parents=True)
        else:
            path.write_bytes(os.urandom(1000 * number))
    return root


@pytest.fixture(params=[True, False], ids=["with filters", "without filters"])
def has_filters(request, monkeypatch):
    """Whether Python's `tarfile` has filters, as it had not before 3.10.12 and 3.11.4."""
    if not request.param:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no filters for tarfile")


def test_entries_are_sorted_and_say_nothing_of_who_made_them(directory, tmp_path):
    (directory / "saved_model.pb").chmod(0o600)
    path = tmp_path / "1.tar.gz"
    tarball.write(str(directory), str(path))
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(NAMES)
    for member in members:
        assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
        assert (member.uname, member.gname) == ("", "")
        assert member.isdir() or member.isreg()
        assert member.mode == (0o755 if member.isdir() else 0o644)
    header = path.read_bytes()[:10]
    assert header[:4] == b"\x1f\x8b\x08\x00"  # no name, no comment, nothing extra
    assert header[4:8] == bytes(4)  # no time


def test_bytes_do_not_depend_on_times_modes_or_the_order_of_files(directory, tmp_path):
    tarball.write(str(directory), str(tmp_path / "1.tar.gz"))
    copy = tmp_path / "copy"
    for name in reversed(NAMES):
        source, target = directory / name, copy / name
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            os.utime(target, (1, 1))
            target.chmod(0o600)
    tarball.write(str(copy), str(tmp_path / "other_name.tar.gz"))
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "other_name.tar.gz").read_bytes()


def test_what_was_packed_comes_out(has_filters, directory, tmp_path):
    tarball.write(str(directory), str(tmp_path / "1.tar.gz"))
    tarball.unpack(str(tmp_path / "1.tar.gz"), str(tmp_path / "out"))
    assert processes.contents(tmp_path / "out") == processes.contents(directory)
    assert (tmp_path / "out" / "empty").is_dir()


@pytest.mark.parametrize("position", [0, 2, 500, -5, -8, -1])
def test_damage_does_not_unpack(directory, tmp_path, position):
    path = tmp_path / "1.tar.gz"
    tarball.write(str(directory), str(path))
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(errors.VerificationError, match="is damaged"):
        tarball.unpack(str(path), str(tmp_path / "out"))


def test_a_cut_tarball_does_not_unpack(directory, tmp_path):
    path = tmp_path / "1.tar.gz"
    tarball.write(str(directory), str(path))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(errors.VerificationError, match="is damaged"):
        tarball.unpack(str(path), str(tmp_path / "out"))


def _link(name):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
    return entry


@pytest.mark.parametrize(
    "entry", [tarfile.TarInfo("../outside"), tarfile.TarInfo("a/../../outside"), _link("outside")]
)
def test_nothing_is_unpacked_outside(has_filters, tmp_path, entry):
    path = tmp_path / "1.tar.gz"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(entry)
    path.write_bytes(gzip.compress(packed.getvalue()))
    with pytest.raises(errors.VerificationError, match="is damaged"):
        tarball.unpack(str(path), str(tmp_path / "out"))
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "out" / "outside").is_symlink()
