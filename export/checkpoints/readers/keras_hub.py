"""Reads KerasHub's weights: `model.weights.h5` of a preset, or a whole task's.

    tensors = keras_hub.read("preset/model.weights.h5")

The file addresses layers by class and number (`layers/dense_1/vars/0`), in the order in which
AlbertBackbone makes them, and so does Keras when it loads them. Newer versions also write each
layer's name, as an attribute; it is not read: where its storage is damaged, HDF5 1.14.6 never
returns.
"""

from configs import errors
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import keras_file

# Folders of layers: Keras 3, and Keras 2.13 before it.
_FOLDERS = ("layers", "_layer_checkpoint_dependencies")
_BACKBONE = "albert_backbone"


def read(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors by layer and number, `dense_1/0`.

    Raises:
      errors.CheckpointError: the file cannot be read, or two tensors have the same name.
    """
    found: dict[str, lazy_checkpoint.LazyTensor] = {}
    tensors = keras_file.read(path)
    backbones = tuple(f"{folder}/{_BACKBONE}/" for folder in _FOLDERS)
    is_task = any(name.startswith(backbones) for name in tensors)
    for name, tensor in tensors.items():
        canonical = _canonical_name(name, is_task=is_task)
        if canonical in found:
            raise errors.CheckpointError(f"{path!r} is corrupted: two tensors are {canonical!r}")
        found[canonical] = tensor
    return found


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
