"""Reads HDF5 files of Keras weights, whatever wrote them; the names are the file's own paths.

Example:
    tensors = keras_file.read("model.weights.h5")
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from configs import errors
from export.checkpoints import lazy_checkpoint

# By gzip: https://www.zlib.net/zlib_tech.html. What was never written takes no room at all.
_MOST_COMPRESSED = 1032
_MOST_GROUPS = 30  # one in another; Keras has some ten
_KINDS = "fiubV"  # of numbers; h5py's bfloat16 is V
_MAGIC = b"\x89HDF\r\n\x1a\n"
# Where addresses begin in the superblock, by its version; the width of each is the byte `_WIDTH`.
# HDF5 File Format Specification Version 3.0, II.A.
_ADDRESSES = {0: 24, 1: 28}
_WIDTH = 13


def looks_like(path: str) -> bool:
    """Returns whether a file is an HDF5 file, by its content."""
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def has_name(path: str, pattern: re.Pattern[str]) -> bool:
    """Returns whether a tensor's whole name matches; False for a file that cannot be read."""
    try:
        return any(pattern.fullmatch(name) for name in read(path))
    except errors.CheckpointError:
        return False


def read(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors by their paths in the file.

    Raises:
      errors.CheckpointError: the file cannot be read, or a tensor is in another file.
    """
    import h5py

    found: dict[str, lazy_checkpoint.LazyTensor] = {}
    try:
        _check_driver(path)
        with h5py.File(path, "r") as file:
            for name, item in _data_sets(file):
                if item.external or item.is_virtual:
                    raise ValueError(f"{name!r} is in another file")
                if item.dtype.kind not in _KINDS:
                    continue  # no weights: texts, among others, which HDF5 may never return from
                if item.nbytes > _MOST_COMPRESSED * item.id.get_storage_size():
                    raise ValueError(f"{name!r} has {item.nbytes} bytes, which are not in the file")
                found[name] = _lazy(path, name, item)
    except _read_errors() as error:
        raise _error(path, error) from error
    return found


def _check_driver(path: str) -> None:
    """Raises ValueError for the settings of a driver, for which HDF5 takes the memory they name.

    They are of files in several parts. The memory is taken before their content is looked at.
    """
    with open(path, "rb") as file:
        head = file.read(64)
    if len(head) < 64 or head[len(_MAGIC)] not in _ADDRESSES:
        return
    width = head[_WIDTH]
    start = _ADDRESSES[head[len(_MAGIC)]] + 3 * width  # behind the base, free space and the end
    if head[start : start + width] != b"\xff" * width:
        raise ValueError("it is a part of a file in several")


def _data_sets(file: Any) -> Iterator[tuple[str, Any]]:
    """Yields the data sets by path, each object once, in the order of their names.

    Raises:
      ValueError: one is in another file, below too many groups, or listed and not to be found.
    """
    import h5py

    seen: set[int] = set()
    pending: list[tuple[str, Any]] = [("", file["/"])]
    while pending:
        path, item = pending.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        if isinstance(item, h5py.Dataset):
            yield path, item
        if not isinstance(item, h5py.Group):
            continue
        if path.count("/") >= _MOST_GROUPS:
            raise ValueError(f"{path[:_MOST_GROUPS]!r}... is below more than {_MOST_GROUPS} groups")
        for name in sorted(item, reverse=True):
            link = item.get(name, getlink=True)
            inner = f"{path}/{name}" if path else name
            if isinstance(link, h5py.ExternalLink):
                raise ValueError(f"{inner!r} is in another file, {link.filename!r}")
            if not isinstance(link, h5py.HardLink):  # Keras writes no others; None is damage
                raise ValueError(f"{inner!r} is not to be found, or a link")
            pending.append((inner, item[name]))


def _lazy(path: str, name: str, dataset: Any) -> lazy_checkpoint.LazyTensor:
    import h5py

    def read_tensor() -> np.ndarray:
        try:
            with h5py.File(path, "r") as file:
                return file[name][()]
        except _read_errors() as error:
            raise _error(path, error) from error

    return lazy_checkpoint.LazyTensor(
        name=name,
        shape=tuple(dataset.shape or ()),
        dtype=dataset.dtype.name,
        read=read_tensor,
    )


def _read_errors() -> tuple[type[Exception], ...]:
    # What h5py raises where HDF5 fails.
    return (OSError, ValueError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError)


def _error(path: str, error: Exception) -> errors.CheckpointError:
    return errors.CheckpointError(
        f"{path!r} is not an HDF5 file of Keras weights, or it is truncated or corrupted: {error}"
    )
