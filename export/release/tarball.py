"""The reproducible tarball of a SavedModel, as TensorFlow Hub downloads it.

Example:
    tarball.write("exports/albert_en_large/1", "1.tar.gz")
    tarball.unpack("1.tar.gz", "somewhere")

The root of the SavedModel is the root of the tarball. Folders have entries, because TensorFlow Hub
fails without them. Names are sorted, modes are fixed, and times, owners and gzip's file name are
left out.
"""

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any

from configs import errors, strangers_files

_CHUNK = 1 << 20  # bytes
# A higher level hardly makes weights smaller: docs/measurements/releases.md.
_COMPRESSION_LEVEL = 6


def write(directory: str, path: str) -> None:
    """Writes the tarball of a directory, and flushes it to disk.

    Args:
      directory: root of the SavedModel, which holds plain files and folders.
      path: path of the tarball.
    """
    names = []
    for folder, subfolders, files in os.walk(directory):
        relative = os.path.relpath(folder, directory)
        names += [os.path.normpath(os.path.join(relative, name)) for name in subfolders + files]
    with open(path, "wb") as file:
        with (
            gzip.GzipFile("", "wb", _COMPRESSION_LEVEL, file, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for name in sorted(names):
                _add(tar, directory, name)
        file.flush()
        os.fsync(file.fileno())


def _add(tar: tarfile.TarFile, directory: str, name: str) -> None:
    path = os.path.join(directory, name)
    entry = tarfile.TarInfo(name.replace(os.sep, "/"))
    if os.path.isdir(path):
        entry.type = tarfile.DIRTYPE
        entry.mode = 0o755
        tar.addfile(entry)
    else:
        entry.size = os.path.getsize(path)
        entry.mode = 0o644
        with open(path, "rb") as file:
            tar.addfile(entry, file)


def unpack(path: str, directory: str) -> None:
    """Unpacks a tarball into a new directory, and reads it to its last byte.

    Raises:
      errors.VerificationError: the tarball is damaged, or has other entries than `write` makes.
    """
    # Python has filters since 3.10.12 and 3.11.4, says its documentation; Debian 12 has 3.11.2.
    options: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    try:
        with (
            open(path, "rb", opener=strangers_files.opener) as file,
            gzip.open(file) as compressed,
        ):
            with tarfile.open(fileobj=compressed, mode="r|") as tar:
                tar.extractall(directory, members=_entries(tar), **options)
            while compressed.read(_CHUNK):  # gzip's checksum is at the end
                pass
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise errors.VerificationError(f"{path!r} is damaged: {error}") from error


def _entries(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yields the entries, files and folders below the root."""
    for entry in tar:
        is_inside = not entry.name.startswith("/") and ".." not in entry.name.split("/")
        if not is_inside or not (entry.isfile() or entry.isdir()):
            raise tarfile.TarError(f"{entry.name!r} is not a file or a folder below its root")
        yield entry
