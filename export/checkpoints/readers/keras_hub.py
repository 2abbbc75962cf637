"""Reads KerasHub's weights: `model.weights.h5` of a preset, or a whole task's.

    tensors = keras_hub.read("preset/model.weights.h5")

The preset of a task has the weights of its head beside those of its backbone, in `task.weights.h5`.

The file addresses layers by class and number (`layers/dense_1/vars/0`), in the order in which
AlbertBackbone makes them, and so does Keras when it loads them. Newer versions also write each
layer's name, as an attribute; it is not read: where its storage is damaged, HDF5 1.14.6 never
returns.
"""

import os
from collections.abc import Mapping
from typing import Any

from configs import errors, head_config
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import keras_file, sidecars

BACKBONE_WEIGHTS = "model.weights.h5"
_TASK_WEIGHTS = "task.weights.h5"
_TASK = "task.json"

# Folders of layers: Keras 3, and Keras 2.13 before it.
_FOLDERS = ("layers", "_layer_checkpoint_dependencies")
_BACKBONE = "albert_backbone"
_OWN = "task/"
_DENSE = "dense"
# Layers of a task besides: its dropout has the state of a random generator.
_OTHERS = ("masked_lm_head", "dropout")

_Tensors = dict[str, lazy_checkpoint.LazyTensor]


def read(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors by layer and number, `dense_1/0`; of a task's own layers `task/dense/0`.

    Args:
      path: one of `files`.

    Raises:
      errors.CheckpointError: the file cannot be read, or two tensors have the same name.
    """
    found: dict[str, lazy_checkpoint.LazyTensor] = {}
    tensors = keras_file.read(path)
    backbones = tuple(f"{folder}/{_BACKBONE}/" for folder in _FOLDERS)
    is_task = os.path.basename(path) == _TASK_WEIGHTS or any(
        name.startswith(backbones) for name in tensors
    )
    for name, tensor in tensors.items():
        canonical = _canonical_name(name, is_task=is_task)
        if canonical in found:
            raise errors.CheckpointError(f"{path!r} is corrupted: two tensors are {canonical!r}")
        found[canonical] = tensor
    return _without_several(found)


def files(path: str) -> tuple[str, ...]:
    """Returns the files of weights: that path, and in a task's preset the one of its head."""
    task = os.path.join(os.path.dirname(path), _TASK_WEIGHTS)
    is_preset = os.path.basename(path) == BACKBONE_WEIGHTS and os.path.isfile(task)
    return (path, task) if is_preset else (path,)


def classifier(path: str) -> Mapping[str, Any] | None:
    """Returns the settings of an AlbertTextClassifier, of `task.json` beside its weights.

    Raises:
      errors.CheckpointError: that file cannot be read.
    """
    file = os.path.join(os.path.dirname(path), _TASK)
    if not os.path.isfile(file):
        return None
    values = sidecars.read_json(file)
    settings = values.get("config")
    is_classifier = str(values.get("registered_name")).endswith(">AlbertTextClassifier")
    return settings if is_classifier and isinstance(settings, Mapping) else None


def told_heads(settings: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Returns what the settings of a classifier say of its head, see `head_detection.find`.

    With the activation sigmoid each label is a question of its own.
    """
    if settings is None:
        return {}
    is_multi_label = settings.get("activation") == "sigmoid"
    return {
        head_config.CLASSIFY: {"problem_type": head_config.MULTI_LABEL} if is_multi_label else {}
    }


def _without_several(tensors: _Tensors) -> _Tensors:
    """Calls `task/dense` something else where it is not the only layer of the task.

    A classifier has one, so that the task is then another.
    """
    own = (name.split("/")[1] for name in tensors if name.startswith(_OWN))
    if {layer for layer in own if layer not in _OTHERS} <= {_DENSE}:
        return tensors
    dense = f"{_OWN}{_DENSE}/"
    return {
        f"{_OWN}several/{name.removeprefix(_OWN)}" if name.startswith(dense) else name: tensor
        for name, tensor in tensors.items()
    }


def _canonical_name(name: str, *, is_task: bool) -> str:
    """Returns a path without folders of layers, the backbone around them, and `vars`.

    What else a task has, beside its backbone, goes below `task/`. What is private in a version of
    Keras (`_query_dense`) is not in another.
    """
    parts = [part for part in name.split("/") if part != "vars"]
    is_layer = parts[0] in _FOLDERS
    if is_task and is_layer:
        parts = parts[2:] if parts[1] == _BACKBONE else [_OWN.rstrip("/"), *parts[1:]]
    if parts[0] in _FOLDERS:
        parts = parts[1:]
    return "/".join(part.lstrip("_") for part in parts)
