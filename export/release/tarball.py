"""The tarball of a SavedModel, as TensorFlow Hub downloads it, with the same bytes every time.

Example:
    tarball.write("exports/albert_en_large/1", "1.tar.gz")
    tarball.unpack("1.tar.gz", "somewhere")

The root of the SavedModel is the root of the tarball; folders have entries of their own, without
which TensorFlow Hub fails. Names are sorted; times, owners and the name in gzip's header are left
out; modes are fixed.
"""

import gzip
import os
import tarfile
import zlib

from configs import errors

_CHUNK = 1 << 20  # bytes
# Weights hardly get smaller with more: docs/measurements/releases.md.
_COMPRESSION_LEVEL = 6


def write(directory: str, path: str) -> None:
    """Writes the tarball of a directory, and flushes it to disk.

    Args:
      directory: root of the SavedModel; it holds plain files and folders.
      path: the tarball's.
    """
    names = []
    for folder, subfolders, files in os.walk(directory):
        relative = os.path.relpath(folder, directory)
        names += [os.path.normpath(os.path.join(relative, name)) for name in subfolders + files]
    with open(path, "wb") as file:
        with (
            gzip.GzipFile(
                filename="",
                mode="wb",
                compresslevel=_COMPRESSION_LEVEL,
                fileobj=file,
                mtime=0,
            ) as compressed,
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
      errors.VerificationError: it is damaged.
    """
    try:
        with gzip.open(path) as compressed:
            with tarfile.open(fileobj=compressed, mode="r|") as tar:
                tar.extractall(directory, filter="data")
            while compressed.read(_CHUNK):  # the checksum stands at the end
                pass
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise errors.VerificationError(f"{path!r} is damaged: {error}") from error
