"""Files in any of Beam's file systems: local folders, GCS, S3, HDFS.

Example:
    with storage.published("out", "vectors/part-00000-of-00016.parquet") as file:
        file.write(content)

A file appears completely or not at all: it is written in `temporary/` and renamed.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import BinaryIO

from apache_beam.io import filesystem, filesystems

TEMPORARY = "temporary"

# By default, Beam decompresses depending on the file's name.
_AS_IT_IS = filesystem.CompressionTypes.UNCOMPRESSED
_FileSystems = filesystems.FileSystems


def path(folder: str, name: str) -> str:
    """Returns the path in `folder` of `name`, which is separated by `/`."""
    return _FileSystems.join(folder, *name.split("/"))


def exists(folder: str, name: str) -> bool:
    """Returns whether the file exists."""
    return _FileSystems.exists(path(folder, name))


def matching(pattern: str) -> list[filesystem.FileMetadata]:
    """Returns the files that match a glob pattern, sorted by path."""
    # Beam finds nothing for a glob without a folder.
    in_folder = pattern if os.path.dirname(pattern) else os.path.join(os.curdir, pattern)
    (match,) = _FileSystems.match([in_folder])
    return sorted(match.metadata_list, key=lambda file: file.path)


def reading(file_path: str) -> BinaryIO:
    """Opens a file."""
    return _FileSystems.open(file_path, compression_type=_AS_IT_IS)


@contextlib.contextmanager
def published(folder: str, name: str) -> Iterator[BinaryIO]:
    """Yields a file to write; it gets its name if the block ends without an exception."""
    temporary = path(folder, f"{TEMPORARY}/{secrets.token_hex(8)}")
    final = path(folder, name)
    with _FileSystems.create(temporary, compression_type=_AS_IT_IS) as file:
        yield file
    # A local rename needs the folder; object stores have no folders.
    parent, _ = _FileSystems.split(final)
    with contextlib.suppress(OSError):  # it exists
        _FileSystems.mkdirs(parent)
    _FileSystems.rename([temporary], [final])


def remove_temporary(folder: str) -> None:
    """Removes the temporary files of killed runs."""
    left_over = path(folder, TEMPORARY)
    files = [file.path for file in matching(path(left_over, "**"))]
    if files:
        _FileSystems.delete(files)
    if _FileSystems.exists(left_over):  # not an object store
        _FileSystems.delete([left_over])
