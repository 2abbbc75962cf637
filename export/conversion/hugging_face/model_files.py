"""Writes `model.safetensors` and `config.json`, and reads them back to compare every bit.

Example:
    model_files.write("dir", source=source, described=described, special_ids={"pad_token_id": 0})
    problems = model_files.problems("dir", source=source, described=described)
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from configs import albert_config, errors, source_rules
from export.checkpoints import mapping, opening, restore, weight_table
from export.conversion import source as sources
from export.conversion.hugging_face import model_class

WEIGHTS, CONFIG = "model.safetensors", "config.json"
_HUGGING_FACE = weight_table.HUGGING_FACE
_BODY = "albert."  # the attribute of the encoder in every class but AlbertModel
_BIAS, _DECODER_BIAS = "predictions.bias", "predictions.decoder.bias"
_ACTIVATIONS = {source_rules.GELU_TANH: "gelu_new", source_rules.GELU_ERF: "gelu"}
# Fields that are of other code, or that are written in their own way.
_OURS = (
    "hidden_act",
    "embedding_projection",
    "group_formula",
    "pooler",
    "mlm_layer_norm_eps",
    "start_n_top",
)


def write(
    directory: str,
    *,
    source: sources.Source,
    described: model_class.Description,
    special_ids: Mapping[str, int],
) -> None:
    """Writes both files.

    Args:
      directory: where to.
      source: the encoder.
      described: as its class has it.
      special_ids: of the tokenizer, by key of the config; empty without one.
    """
    import safetensors.numpy

    is_bare = not described.model_class.heads
    weights = _weights(source, described)
    tensors = {}
    for entry in described.entries():
        name = entry.names[_HUGGING_FACE]
        tensors[name.removeprefix(_BODY) if is_bare else name] = np.ascontiguousarray(
            mapping.to_checkpoint(
                weights[entry.variable], entry=entry, checkpoint_format=_HUGGING_FACE
            )
        )
    if not described.config.tie_word_embeddings:  # transformers then ties the bias no more
        tensors[_DECODER_BIAS] = tensors[_BIAS].copy()
    # transformers 4 refuses files that do not say who may read them.
    # `save_file` writes a file that its owner alone may read.
    with open(os.path.join(directory, WEIGHTS), "wb") as weights_file:
        weights_file.write(safetensors.numpy.save(tensors, {"format": "pt"}))
    content = {**_config(described), **special_ids}
    with open(os.path.join(directory, CONFIG), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, sort_keys=True, ensure_ascii=False)
        file.write("\n")


def problems(
    directory: str, *, source: sources.Source, described: model_class.Description
) -> list[str]:
    """Returns in what the files in a directory, read as a checkpoint, differ from the encoder."""
    try:
        checkpoint = opening.open(directory, checkpoint_format=_HUGGING_FACE)
        config = checkpoint.config
        if config is None:
            return [f"{CONFIG} is missing"]
        found = [
            f"{field.name} in {CONFIG} is {getattr(config, field.name)}, not "
            f"{getattr(described.config, field.name)}"
            for field in dataclasses.fields(config)
            if getattr(config, field.name) != getattr(described.config, field.name)
        ]
        if checkpoint.heads != described.heads:
            found.append(f"its heads are {checkpoint.heads}, not {described.heads}")
        if found:
            return found
        weights = restore.read(checkpoint, config=config)
    except errors.InputError as error:
        return [str(error)]
    expected = _weights(source, described)
    wanted = {entry.variable for entry in described.entries()}
    found += [f"{name} is in one of the two alone" for name in sorted(wanted ^ weights.keys())]
    return found + [
        f"{name} has other bits"
        for name in sorted(wanted & weights.keys())
        if weights[name].tobytes() != expected[name].tobytes()
    ]


def _weights(
    source: sources.Source, described: model_class.Description
) -> Mapping[str, np.ndarray]:
    """Returns the encoder's weights; with a projection that changes nothing if it has none."""
    if source.config.embedding_projection:
        return source.variables
    width = described.config.hidden_size
    projection = {
        f"{weight_table.PROJECTION}kernel": np.eye(width, dtype=np.float32),
        f"{weight_table.PROJECTION}bias": np.zeros(width, np.float32),
    }
    return {**source.variables, **projection}


def _config(described: model_class.Description) -> dict[str, Any]:
    """Returns the keys that `AlbertConfig` of transformers reads."""
    config = described.config
    fields = (field.name for field in dataclasses.fields(albert_config.AlbertConfig))
    act = config.hidden_act
    values: dict[str, Any] = {
        **{name: getattr(config, name) for name in fields if name not in _OURS},
        "model_type": "albert",
        "architectures": [described.model_class.name],
        "hidden_act": _ACTIVATIONS.get(act, act),
        "dtype": "float32",
    }
    for head in described.heads:
        if head.labels:
            values["id2label"] = {str(number): label for number, label in enumerate(head.labels)}
            values["label2id"] = {label: number for number, label in enumerate(head.labels)}
        if head.problem_type:
            values["problem_type"] = head.problem_type
    return values
