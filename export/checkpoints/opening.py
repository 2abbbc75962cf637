"""Opens every kind of ALBERT checkpoint there is, without reading its weights yet.

    checkpoint = opening.open("albert_large/model.ckpt-best")
    checkpoint = opening.open("hf://albert/albert-large-v2")

What kind it is follows from the files that are there and from the keys in them, never from a name
that somebody chose. Nothing is executed, and nothing but the source's own files is read.
"""

import dataclasses
import os
import re
from collections.abc import Mapping
from typing import Any

from configs import errors, source_rules, strangers_files
from export.checkpoints import locating, mapping, weight_table
from export.checkpoints.lazy_checkpoint import Checkpoint, LazyTensor
from export.checkpoints.readers import (
    hub_saved_model,
    hugging_face,
    hugging_face_download,
    keras_hub,
    layer_shared,
    lora_adapter,
    model_garden,
    sidecars,
    tensorflow_checkpoint,
)
from export.metadata import manifest

__all__ = ["Checkpoint", "LazyTensor", "open"]

_Tensors = Mapping[str, LazyTensor]


def open(
    location: str,
    *,
    checkpoint_format: str | None = None,
    adapter: str | None = None,
    allow_unused: str | None = None,
) -> Checkpoint:
    """Opens a checkpoint.

    Args:
      location: a directory, a file, the prefix of a TensorFlow checkpoint, or
        `hf://org/name[@revision]`.
      checkpoint_format: the kind of source, one of `weight_table.FORMATS`; None to find out.
      adapter: the folder of a LoRA adapter to merge into the weights.
      allow_unused: regular expression: tensors in whose names it is found may be left out.

    Raises:
      errors.CheckpointError: nothing is there, nothing that is known, more than one thing, or what
        is there is truncated or corrupted; the adapter does not fit.
      errors.ConfigError: the config beside the weights cannot be read.
    """
    if checkpoint_format is not None and checkpoint_format not in weight_table.FORMATS:
        raise errors.CheckpointError(
            f"checkpoint format must be one of {', '.join(weight_table.FORMATS)}, "
            f"got {checkpoint_format!r}"
        )
    _check_pattern(allow_unused)
    path, repository = location, None
    if hugging_face_download.is_uri(location):
        path, repository = hugging_face_download.download(location)
    try:
        kinds, at, notices = locating.locate(
            path, location=location, checkpoint_format=checkpoint_format
        )
    except OSError as error:
        raise errors.CheckpointError(f"checkpoint {location!r} cannot be read: {error}") from error
    with strangers_files.reading(f"checkpoint {location!r}", error_type=errors.CheckpointError):
        opened = dataclasses.replace(
            _OPENERS[kinds](at),
            location=location,
            repository=repository,
            allow_unused=allow_unused,
            notices=notices,
        )
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
    if adapter is None:
        _check_no_adapter(opened)
        return opened
    with strangers_files.reading(f"adapter {adapter!r}", error_type=errors.CheckpointError):
        return _adapted(opened, adapter)


def _check_pattern(allow_unused: str | None) -> None:
    try:
        re.compile(allow_unused or "")
    except re.error as error:
        raise errors.CheckpointError(
            f"--allow_unused must be a regular expression, got {allow_unused!r}: {error}"
        ) from error


def _check_no_adapter(checkpoint: Checkpoint) -> None:
    for directory in checkpoint.directories:
        if os.path.lexists(os.path.join(directory, lora_adapter.CONFIG)):
            raise errors.CheckpointError(
                f"checkpoint {checkpoint.location!r} has {lora_adapter.CONFIG} beside its weights, "
                "and transformers applies such an adapter: give --adapter with its folder, or "
                "move the file away if the weights have it merged already"
            )


def _adapted(checkpoint: Checkpoint, adapter: str) -> Checkpoint:
    if checkpoint.format != weight_table.HUGGING_FACE:
        raise errors.CheckpointError(
            f"an adapter changes a model of transformers, but checkpoint {checkpoint.location!r} "
            f"is of format {checkpoint.format}"
        )
    tensors, files = lora_adapter.merged(checkpoint.tensors, adapter)
    told_heads, values = lora_adapter.told_heads(adapter), checkpoint.config_values
    if values is not None:
        values = lora_adapter.fitting_config(values, tensors=tensors, told_heads=told_heads)
    return dataclasses.replace(
        checkpoint,
        tensors=tensors,
        config_values=values,
        directories=(adapter, *checkpoint.directories),
        adapter_files=files,
        told_heads=told_heads,
    )


def _open_checkpoint(prefix: str) -> Checkpoint:
    tensors = tensorflow_checkpoint.read(prefix)
    directory = os.path.dirname(prefix)
    if tensorflow_checkpoint.OBJECT_GRAPH not in tensors:
        return _tf1(tensors, prefix, [directory], weight_table.TF1)
    values, config_file = sidecars.config([directory])
    return Checkpoint(
        format=weight_table.MODEL_GARDEN,
        location=prefix,
        tensors=model_garden.canonical(tensors, prefix, heads=model_garden.head_names(values)),
        told_heads=model_garden.told_heads(values),
        config_values=values,
        config_file=config_file,
        rules=weight_table.RULES[weight_table.MODEL_GARDEN],
        directories=(directory,),
        files=tensorflow_checkpoint.files(prefix),
    )


def _tf1(tensors: _Tensors, prefix: str, directories: list[str], kind: str) -> Checkpoint:
    """Returns a checkpoint of TensorFlow 1, which has its other files in `directories`."""
    # The scope that `hub.Module` puts before the names (fine-tuned models).
    tensors = {name.removeprefix("module/"): tensor for name, tensor in tensors.items()}
    rules = weight_table.RULES[kind]
    if layer_shared.looks_like(tensors):
        tensors, rules = layer_shared.canonical(tensors), source_rules.BRIGHTMART
    values, config_file = sidecars.config(directories)
    return Checkpoint(
        format=kind,
        location=prefix,
        tensors=tensors,
        config_values=values,
        config_file=config_file,
        rules=rules,
        directories=tuple(directories),
        files=tensorflow_checkpoint.files(prefix),
    )


def _open_tf1_hub(directory: str) -> Checkpoint:
    prefix = os.path.join(directory, hub_saved_model.VARIABLES)
    assets = os.path.join(directory, "assets")
    return _tf1(tensorflow_checkpoint.read(prefix), prefix, [assets], weight_table.TF1_HUB)


def _open_hugging_face(path: str) -> Checkpoint:
    tensors, files = hugging_face.read(path)
    directory = os.path.dirname(path)
    usual = (sidecars.HUGGING_FACE, sidecars.ORIGINAL)
    values, config_file = sidecars.config([directory], usual=usual)
    return Checkpoint(
        format=weight_table.HUGGING_FACE,
        location=path,
        tensors=tensors,
        config_values=values,
        config_file=config_file,
        rules=weight_table.RULES[weight_table.HUGGING_FACE],
        directories=(directory,),
        files=files,
    )


def _open_keras_hub(path: str) -> Checkpoint:
    directory = os.path.dirname(path)
    values, config_file = sidecars.config([directory])
    files = keras_hub.files(path)
    settings = keras_hub.classifier(path)
    if values is not None and settings is not None and "dropout" in settings:
        backbone = {**values.get("config", {}), "classifier_dropout_prob": settings["dropout"]}
        values = {**values, "config": backbone}
    return Checkpoint(
        format=weight_table.KERAS_HUB,
        location=path,
        tensors={name: tensor for file in files for name, tensor in keras_hub.read(file).items()},
        told_heads=keras_hub.told_heads(settings),
        config_values=values,
        config_file=config_file,
        rules=weight_table.RULES[weight_table.KERAS_HUB],
        directories=(directory,),
        files=files,
    )


def _open_saved_model(directory: str) -> Checkpoint:
    prefix = os.path.join(directory, hub_saved_model.VARIABLES)
    variables = tensorflow_checkpoint.read(prefix)
    if tensorflow_checkpoint.OBJECT_GRAPH not in variables:  # an Estimator's, of TensorFlow 1
        directories = [os.path.join(directory, name) for name in ("assets", "assets.extra", "")]
        return _tf1(variables, prefix, directories, weight_table.TF1)
    tensors, unused_tensors, told_heads = hub_saved_model.read(directory, variables)
    values, config_file = hub_saved_model.config(directory)
    weights = manifest.read(directory).get("weights", {})
    return Checkpoint(
        format=weight_table.SAVED_MODEL,
        original_format=weights.get("original_format", weights.get("format")),
        location=directory,
        tensors=tensors,
        config_values=values,
        config_file=config_file,
        rules=None,
        directories=(os.path.join(directory, "assets"),),
        files=tensorflow_checkpoint.files(prefix),
        unused_tensors=unused_tensors,
        told_heads=told_heads,
    )


_OPENERS: Mapping[locating.Kinds, Any] = {
    locating.CHECKPOINT: _open_checkpoint,
    locating.TF1_HUB: _open_tf1_hub,
    locating.HUGGING_FACE: _open_hugging_face,
    locating.KERAS_HUB: _open_keras_hub,
    locating.SAVED_MODEL: _open_saved_model,
}
