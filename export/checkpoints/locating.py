"""Finds what kinds of checkpoint are at a path, by the files that are there and their content.

Example:
    kinds, path, notices = locating.locate("outputs", checkpoint_format=None, location="outputs")
"""

import os
from collections.abc import Mapping

from configs import errors
from export.checkpoints import weight_table
from export.checkpoints.readers import (
    hub_saved_model,
    hugging_face,
    keras_file,
    lora_adapter,
    sentence_transformers_modules,
    tensorflow_checkpoint,
)

TF1_HUB_MARK = "tfhub_module.pb"
_KERAS_WEIGHTS = "model.weights.h5"

# The formats that files of one kind may have; their content says which it is.
Kinds = tuple[str, ...]
CHECKPOINT: Kinds = (weight_table.TF1, weight_table.MODEL_GARDEN)
TF1_HUB: Kinds = (weight_table.TF1_HUB,)
HUGGING_FACE: Kinds = (weight_table.HUGGING_FACE,)
KERAS_HUB: Kinds = (weight_table.KERAS_HUB,)
SAVED_MODEL: Kinds = (weight_table.SAVED_MODEL, weight_table.TF1)

_CONVERT = (
    "convert it with transformers below 5: AlbertForPreTraining.from_pretrained(DIR, "
    "{}=True).save_pretrained(OUT)"
)
# Ends of the names of files that cannot be read, and what to do about each.
_UNREADABLE: Mapping[str, str] = {
    ".msgpack": f"weights of Flax: {_CONVERT.format('from_flax')}",
    ".onnx": "an ONNX graph, whose weights have lost their names: give the checkpoint that it was "
    "exported from",
    ".pdparams": "weights of PaddleNLP: convert them to a model of transformers first",
    ".tflite": "a model for inference: give the checkpoint that it was made from",
    ".gguf": "quantized weights: give the checkpoint that they were made from",
}


def locate(
    path: str, *, location: str, checkpoint_format: str | None
) -> tuple[Kinds, str, tuple[str, ...]]:
    """Returns the one kind of checkpoint at a path, where it is, and what the user should know.

    Args:
      path: a directory, a file or the prefix of a TensorFlow checkpoint. A directory without
        weights may have one sub-folder that has them.
      location: what the user gave, for messages.
      checkpoint_format: the kind of source; None to find out.

    Raises:
      errors.CheckpointError: there is none, or there are several.
      OSError: the path cannot be read.
    """
    found = _at(path, checkpoint_format)
    folders = _folders(path, checkpoint_format) if not found and os.path.isdir(path) else []
    notices: tuple[str, ...] = ()
    if len(folders) == 1:
        path = os.path.join(path, folders[0])
        found = _at(path, checkpoint_format)
        notices = (f"the weights are those in its folder {folders[0]!r}",)
    elif folders:
        raise errors.CheckpointError(
            f"checkpoint {location!r} has no weights itself, but several of its folders have: "
            f"give one of {', '.join(os.path.join(location, name) for name in folders)}"
        )
    if len(found) != 1:
        raise errors.CheckpointError(_not_one(path, location, checkpoint_format, found))
    ((kinds, at),) = found.items()
    return kinds, at, notices


def _at(path: str, checkpoint_format: str | None) -> dict[Kinds, str]:
    found = _in_directory(path) if os.path.isdir(path) else _at_file(path)
    return {
        kinds: at
        for kinds, at in found.items()
        if checkpoint_format is None or checkpoint_format in kinds
    }


def _in_directory(directory: str) -> dict[Kinds, str]:
    """Returns what a directory holds, by the kinds that it may be."""
    found: dict[Kinds, str] = {}
    if os.path.isfile(os.path.join(directory, hub_saved_model.FILE)):
        is_tf1 = os.path.isfile(os.path.join(directory, TF1_HUB_MARK))
        found[TF1_HUB if is_tf1 else SAVED_MODEL] = directory
    for name in hugging_face.WEIGHTS:
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            found[HUGGING_FACE] = path
            break
    path = os.path.join(directory, _KERAS_WEIGHTS)
    if os.path.isfile(path):
        found[KERAS_HUB] = path
    prefix = tensorflow_checkpoint.in_directory(directory)
    if prefix:
        found[CHECKPOINT] = prefix
    return found


def _at_file(path: str) -> dict[Kinds, str]:
    """Returns what a path that is not a directory leads to, by the kinds that it may be."""
    found: dict[Kinds, str] = {}
    if os.path.isfile(path + tensorflow_checkpoint.INDEX_SUFFIX):
        found[CHECKPOINT] = path
    if os.path.isfile(path):
        if tensorflow_checkpoint.is_index(path):
            found[CHECKPOINT] = path.removesuffix(tensorflow_checkpoint.INDEX_SUFFIX)
        elif hugging_face.looks_like(path):
            found[HUGGING_FACE] = path
        elif keras_file.looks_like(path):
            found[KERAS_HUB] = path
    return found


def _folders(directory: str, checkpoint_format: str | None) -> list[str]:
    """Returns the sub-folders that hold weights; of sentence-transformers, the Transformer's."""
    names = sorted(
        name for name in os.listdir(directory) if os.path.isdir(os.path.join(directory, name))
    )
    modules = sentence_transformers_modules.read(directory)
    if modules is not None:
        transformer = [module.folder for module in modules if module.is_transformer]
        names = [name for name in names if name in transformer]
    return [name for name in names if _at(os.path.join(directory, name), checkpoint_format)]


def _not_one(
    path: str, location: str, checkpoint_format: str | None, found: Mapping[Kinds, str]
) -> str:
    if not os.path.lexists(path) and not found:
        return (
            f"checkpoint {location!r} does not exist, as a directory, as a file or as the prefix "
            "of a TensorFlow checkpoint"
        )
    if found:
        kinds = " and ".join(kinds[0] for kinds in found)
        return f"checkpoint {location!r} is ambiguous: it holds {kinds}; give --checkpoint_format"
    names = sorted(os.listdir(path)) if os.path.isdir(path) else [os.path.basename(path)]
    if lora_adapter.CONFIG in names:
        base = lora_adapter.base(os.path.join(path, lora_adapter.CONFIG))
        return (
            f"checkpoint {location!r} is an adapter of {base!r}, without that model's own weights: "
            f"give the folder of {base!r} as --checkpoint, and this one as --adapter"
        )
    reasons = [
        f"{name!r} cannot be read, because it is {reason}"
        for name in names
        for suffix, reason in _UNREADABLE.items()
        if name.endswith(suffix)
    ]
    there = ", ".join(names[:10]) if os.path.isdir(path) else "one file"
    sought = checkpoint_format or "a kind that is known"
    return "; ".join(
        [
            f"checkpoint {location!r} holds no checkpoint of {sought}",
            *(reasons or [f"it holds {there or 'nothing'}"]),
        ]
    )
