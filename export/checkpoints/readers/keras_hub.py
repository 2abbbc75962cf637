"""Reads KerasHub's weights: `model.weights.h5` of a preset, or a whole task's.

    tensors = keras_hub.read("preset/model.weights.h5")

The file addresses layers by class and number (`layers/dense_1/vars/0`), in the order in which
AlbertBackbone makes them, and so does Keras when it loads them. Newer versions also write each
layer's name, as an attribute; it is not read: where its storage is damaged, HDF5 1.14.6 never
returns.
"""

from typing import Any

import numpy as np

from configs import errors
from export.checkpoints import lazy_checkpoint

_MAGIC = b"\x89HDF\r\n\x1a\n"

# Folders of layers: Keras 3, and Keras 2.13 before it.
_FOLDERS = ("layers", "_layer_checkpoint_dependencies")
_BACKBONE = "albert_backbone"


def looks_like(path: str) -> bool:
    """Returns whether a file is an HDF5 file, by its content."""
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors by layer and number, `dense_1/0`.

    Raises:
      errors.CheckpointError: the file cannot be read, or two tensors have the same name.
    """
    import h5py

    found: dict[str, lazy_checkpoint.LazyTensor] = {}
    try:
        with h5py.File(path, "r") as file:
            datasets: list[tuple[str, Any]] = []
            file.visititems(lambda name, item: datasets.append((name, item)))
            is_task = any(f"{folder}/{_BACKBONE}" in file for folder in _FOLDERS)
            for name, dataset in datasets:
                if not isinstance(dataset, h5py.Dataset):
                    continue
                if dataset.external or dataset.is_virtual:
                    raise ValueError(f"{name!r} stands in another file")
                canonical = _canonical_name(name, is_task=is_task)
                if canonical in found:
                    raise ValueError(f"two tensors are {canonical!r}")
                found[canonical] = _lazy(path, name, dataset)
    except _read_errors() as error:
        raise _error(path, error) from error
    return found


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


def _canonical_name(name: str, *, is_task: bool) -> str:
    """Returns a path without folders of layers, the backbone around them, and `vars`.

    What else a task has, beside its backbone, goes below `task/`. What is private in a version of
    Keras (`_query_dense`) is not in another.
    """
    parts = [part for part in name.split("/") if part != "vars"]
    is_layer = parts[0] in _FOLDERS
    if is_task and is_layer:
        parts = parts[2:] if parts[1] == _BACKBONE else ["task", *parts[1:]]
    if parts[0] in _FOLDERS:
        parts = parts[1:]
    return "/".join(part.lstrip("_") for part in parts)


def _read_errors() -> tuple[type[Exception], ...]:
    # What h5py raises where HDF5 fails.
    return (OSError, ValueError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError)


def _error(path: str, error: Exception) -> errors.CheckpointError:
    return errors.CheckpointError(
        f"{path!r} is not an HDF5 file of Keras weights, or it is truncated or corrupted: {error}"
    )
