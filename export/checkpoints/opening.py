"""Opens every kind of ALBERT checkpoint there is, without reading its weights yet.

    checkpoint = opening.open("albert_large/model.ckpt-best")
    checkpoint = opening.open("hf://albert/albert-large-v2")

What kind it is follows from the files that are there and from the keys in them, never from a name
that somebody chose. Nothing is executed, and nothing but the source's own files is read.
"""

import os

from configs import errors
from export.checkpoints import mapping, weight_table
from export.checkpoints.lazy_checkpoint import Checkpoint, LazyTensor
from export.checkpoints.readers import (
    hub_saved_model,
    hugging_face,
    hugging_face_download,
    keras_hub,
    model_garden,
    sidecars,
    tensorflow_checkpoint,
)

__all__ = ["Checkpoint", "LazyTensor", "open"]

_TF1_HUB_MARK = "tfhub_module.pb"
_KERAS_WEIGHTS = "model.weights.h5"
# A file in TensorFlow's checkpoint format; its keys say which of the two it is.
_CHECKPOINT_FORMATS = (weight_table.TF1, weight_table.MODEL_GARDEN)


def open(location: str, *, checkpoint_format: str | None = None) -> Checkpoint:
    """Opens a checkpoint.

    Args:
      location: a directory, a file, the prefix of a TensorFlow checkpoint, or
        `hf://org/name[@revision]`.
      checkpoint_format: the kind of source, one of `weight_table.FORMATS`; None to find out.

    Raises:
      errors.CheckpointError: nothing is there, nothing that is known, more than one thing, or what
        is there is truncated or corrupted.
      errors.ConfigError: the config beside the weights is not valid.
    """
    if checkpoint_format is not None and checkpoint_format not in weight_table.FORMATS:
        raise errors.CheckpointError(
            f"checkpoint format must be one of {', '.join(weight_table.FORMATS)}, "
            f"got {checkpoint_format!r}"
        )
    if hugging_face_download.is_uri(location):
        directory, repository = hugging_face_download.download(location)
        return _open_path(directory, location, checkpoint_format, repository)
    return _open_path(location, location, checkpoint_format, None)


def _open_path(
    path: str, location: str, checkpoint_format: str | None, repository: str | None
) -> Checkpoint:
    try:
        found = _in_directory(path) if os.path.isdir(path) else _at_file(path)
    except OSError as error:
        raise errors.CheckpointError(f"checkpoint {location!r} cannot be read: {error}") from error
    if checkpoint_format is not None:
        found = {kinds: at for kinds, at in found.items() if checkpoint_format in kinds}
    if len(found) != 1:
        raise errors.CheckpointError(_not_one(path, location, checkpoint_format, found))
    ((kinds, at),) = found.items()
    opened = _OPENERS[kinds](at, location, repository)
    if checkpoint_format not in (None, opened.format):
        raise errors.CheckpointError(
            f"checkpoint {location!r} is of format {opened.format}, not {checkpoint_format}"
        )
    if not mapping.recognizes(opened.tensors, checkpoint_format=opened.format):
        names = [tensor.name for tensor in opened.tensors.values()][:5]
        raise errors.CheckpointError(
            f"checkpoint {location!r} holds no weights of ALBERT (format {opened.format}); "
            f"it holds {', '.join(names) or 'nothing'}"
        )
    return opened


_Kinds = tuple[str, ...]


def _in_directory(directory: str) -> dict[_Kinds, str]:
    """Returns what a directory holds, by the kinds that it may be."""
    found: dict[_Kinds, str] = {}
    if os.path.isfile(os.path.join(directory, hub_saved_model.FILE)):
        is_tf1 = os.path.isfile(os.path.join(directory, _TF1_HUB_MARK))
        found[(weight_table.TF1_HUB if is_tf1 else weight_table.SAVED_MODEL,)] = directory
    for name in hugging_face.WEIGHTS:
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            found[(weight_table.HUGGING_FACE,)] = path
            break
    path = os.path.join(directory, _KERAS_WEIGHTS)
    if os.path.isfile(path):
        found[(weight_table.KERAS_HUB,)] = path
    prefix = tensorflow_checkpoint.in_directory(directory)
    if prefix:
        found[_CHECKPOINT_FORMATS] = prefix
    return found


def _at_file(path: str) -> dict[_Kinds, str]:
    """Returns what a path that is no directory leads to, by the kinds that it may be."""
    found: dict[_Kinds, str] = {}
    if os.path.isfile(path + tensorflow_checkpoint.INDEX_SUFFIX):
        found[_CHECKPOINT_FORMATS] = path
    if os.path.isfile(path):
        if tensorflow_checkpoint.is_index(path):
            found[_CHECKPOINT_FORMATS] = path.removesuffix(tensorflow_checkpoint.INDEX_SUFFIX)
        elif keras_hub.looks_like(path):
            found[(weight_table.KERAS_HUB,)] = path
        elif hugging_face.looks_like(path):
            found[(weight_table.HUGGING_FACE,)] = path
    return found


def _not_one(
    path: str, location: str, checkpoint_format: str | None, found: dict[_Kinds, str]
) -> str:
    if not os.path.lexists(path) and not found:
        return (
            f"checkpoint {location!r} does not exist, as a directory, as a file or as the prefix "
            "of a TensorFlow checkpoint"
        )
    if found:
        kinds = " and ".join("/".join(kinds) for kinds in found)
        return f"checkpoint {location!r} is ambiguous: it holds {kinds}; give --checkpoint_format"
    sought = checkpoint_format or "a kind that is known"
    there = ", ".join(sorted(os.listdir(path))[:10]) if os.path.isdir(path) else "one file"
    return f"checkpoint {location!r} holds no checkpoint of {sought}; it holds {there or 'nothing'}"


def _open_checkpoint(prefix: str, location: str, repository: str | None) -> Checkpoint:
    tensors = tensorflow_checkpoint.read(prefix)
    is_tf2 = tensorflow_checkpoint.OBJECT_GRAPH in tensors
    config, config_file = sidecars.config(os.path.dirname(prefix))
    return Checkpoint(
        format=weight_table.MODEL_GARDEN if is_tf2 else weight_table.TF1,
        location=location,
        tensors=model_garden.canonical(tensors, prefix) if is_tf2 else _without_module(tensors),
        config=config,
        config_file=config_file,
        sp_model_files=sidecars.sp_models(os.path.dirname(prefix)),
        files=tensorflow_checkpoint.files(prefix),
        repository=repository,
    )


def _open_tf1_hub(directory: str, location: str, repository: str | None) -> Checkpoint:
    prefix = os.path.join(directory, hub_saved_model.VARIABLES)
    config, config_file = sidecars.config(os.path.join(directory, "assets"))
    return Checkpoint(
        format=weight_table.TF1_HUB,
        location=location,
        tensors=_without_module(tensorflow_checkpoint.read(prefix)),
        config=config,
        config_file=config_file,
        sp_model_files=sidecars.sp_models(os.path.join(directory, "assets")),
        files=tensorflow_checkpoint.files(prefix),
        repository=repository,
    )


def _open_hugging_face(path: str, location: str, repository: str | None) -> Checkpoint:
    tensors, files = hugging_face.read(path)
    config, config_file = sidecars.config(os.path.dirname(path))
    return Checkpoint(
        format=weight_table.HUGGING_FACE,
        location=location,
        tensors=tensors,
        config=config,
        config_file=config_file,
        sp_model_files=sidecars.sp_models(os.path.dirname(path)),
        files=files,
        repository=repository,
    )


def _open_keras_hub(path: str, location: str, repository: str | None) -> Checkpoint:
    config, config_file = sidecars.config(os.path.dirname(path))
    return Checkpoint(
        format=weight_table.KERAS_HUB,
        location=location,
        tensors=keras_hub.read(path),
        config=config,
        config_file=config_file,
        sp_model_files=sidecars.sp_models(os.path.dirname(path)),
        files=(path,),
        repository=repository,
    )


def _open_saved_model(directory: str, location: str, repository: str | None) -> Checkpoint:
    tensors, unused_tensors = hub_saved_model.read(directory)
    config, config_file = hub_saved_model.config(directory)
    return Checkpoint(
        format=weight_table.SAVED_MODEL,
        location=location,
        tensors=tensors,
        config=config,
        config_file=config_file,
        sp_model_files=hub_saved_model.sp_models(directory),
        files=tensorflow_checkpoint.files(os.path.join(directory, hub_saved_model.VARIABLES)),
        repository=repository,
        unused_tensors=unused_tensors,
    )


def _without_module(tensors: dict[str, LazyTensor]) -> dict[str, LazyTensor]:
    """Takes away the scope that `hub.Module` puts before the names (fine-tuned TF1 models)."""
    return {name.removeprefix("module/"): tensor for name, tensor in tensors.items()}


_OPENERS = {
    _CHECKPOINT_FORMATS: _open_checkpoint,
    (weight_table.TF1_HUB,): _open_tf1_hub,
    (weight_table.HUGGING_FACE,): _open_hugging_face,
    (weight_table.KERAS_HUB,): _open_keras_hub,
    (weight_table.SAVED_MODEL,): _open_saved_model,
}
