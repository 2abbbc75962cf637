"""Makes a folder of transformers one of sentence-transformers: how a text becomes a vector.

Example:
    lines = sentence_transformers_files.write("dir", source=text_model)
    problem = sentence_transformers_files.problem("dir", source=text_model)

The encoder's `pooled_output` is the state of `[CLS]` and a dense layer there.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import errors, pooling
from export.checkpoints.readers import sentence_transformers, sentence_transformers_modules
from export.conversion.text import text_source

_MODULES = "sentence_transformers.models"
# In the order in which its vectors are joined, by the names of `pooling.MODES`.
_MODES = {
    "first": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
_ACTIVATIONS = {
    "tanh": "torch.nn.modules.activation.Tanh",
    "linear": "torch.nn.modules.linear.Identity",
}
_PROMPT = "text"  # what the prompt is called


def write(directory: str, *, source: text_source.TextModel) -> list[str]:
    """Writes `modules.json` and what it names beside the files of transformers.

    Args:
      directory: of the files of transformers.
      source: a text model of the task `embed`.

    Returns:
      What the user should know.

    Raises:
      errors.InputError: sentence-transformers has no such pooling.
      errors.VerificationError: what was written is not the text model's.
    """
    made = _pooling(source)
    parts: list[tuple[str, Mapping[str, Any] | None, pooling.DenseLayer | None]] = [
        ("Transformer", None, None),
        ("Pooling", _pooling_config(source, made.modes), None),
        *(("Dense", _dense_config(layer), layer) for layer in made.dense),
        *([("Normalize", None, None)] if made.normalize else []),
    ]
    modules = []
    for number, (kind, config, layer) in enumerate(parts):
        path = f"{number}_{kind}" if number else ""
        os.makedirs(os.path.join(directory, path), exist_ok=True)
        modules.append(
            {"idx": number, "name": str(number), "path": path, "type": f"{_MODULES}.{kind}"}
        )
        if config is not None:
            _write_json(os.path.join(directory, path), "config.json", config)
        if layer is not None:
            _write_layer(os.path.join(directory, path), layer)
    _write_json(directory, sentence_transformers_modules.FILE, modules)
    settings = {"max_seq_length": source.max_seq_length, "do_lower_case": made.lower_case}
    _write_json(directory, sentence_transformers_modules.SETTINGS[0], settings)
    prompts = {"prompts": {_PROMPT: made.prompt}, "default_prompt_name": _PROMPT}
    _write_json(
        directory, "config_sentence_transformers.json", prompts if made.prompt else {"prompts": {}}
    )
    wrong = problem(directory, source=source)
    if wrong:
        raise errors.VerificationError(f"nothing is published: read again, {wrong}")
    lines = ["a folder of sentence-transformers: SentenceTransformer(path) gives its vectors"]
    if source.long_texts != text_source.CUT:
        lines.append(f"long texts are cut there, not taken by --long_texts={source.long_texts}")
    return lines


def problem(directory: str, *, source: text_source.TextModel) -> str | None:
    """Returns in what a folder, read as one of sentence-transformers, differs from a text model."""
    try:
        recipe = sentence_transformers.read(directory)
    except errors.InputError as error:
        return str(error)
    if recipe is None:
        return f"{sentence_transformers_modules.FILE} is missing"
    expected, got = _pooling(source), recipe.pooling
    if got is None:
        return "it makes no vectors"
    if recipe.max_seq_length != source.max_seq_length:
        return f"max_seq_length is {recipe.max_seq_length}, not {source.max_seq_length}"
    if dataclasses.replace(got, dense=()) != dataclasses.replace(expected, dense=()):
        return f"it is {got}, not {expected}"
    is_same = [_bits(layer) for layer in got.dense] == [_bits(layer) for layer in expected.dense]
    return None if is_same else "its dense layers have other bits"


def _bits(layer: pooling.DenseLayer) -> tuple[Any, ...]:
    return layer.activation, layer.kernel.shape, layer.kernel.tobytes(), layer.bias.tobytes()


def _pooling(source: text_source.TextModel) -> pooling.Pooling:
    """Returns the pooling in parts that sentence-transformers has."""
    made = source.pooling
    if made.modes == (pooling.POOLED,):
        pooler = pooling.DenseLayer(
            kernel=source.variables["pooler_transform/kernel"],
            bias=source.variables["pooler_transform/bias"],
            activation="tanh",
        )
        return dataclasses.replace(made, modes=("first",), dense=(pooler, *made.dense))
    if pooling.POOLED in made.modes:
        raise errors.InputError(
            f"sentence-transformers cannot join {' and '.join(made.modes)}, as {source.directory!r}"
        )
    return made


def _pooling_config(source: text_source.TextModel, modes: Sequence[str]) -> dict[str, Any]:
    return {
        "word_embedding_dimension": source.config.hidden_size,
        **{key: mode in modes for mode, key in _MODES.items()},
        "include_prompt": True,
    }


def _dense_config(layer: pooling.DenseLayer) -> dict[str, Any]:
    inputs, outputs = layer.kernel.shape
    return {
        "in_features": inputs,
        "out_features": outputs,
        "bias": True,
        "activation_function": _ACTIVATIONS[layer.activation],
    }


def _write_layer(directory: str, layer: pooling.DenseLayer) -> None:
    import safetensors.numpy

    tensors = {
        "linear.weight": np.ascontiguousarray(layer.kernel.T),
        "linear.bias": np.ascontiguousarray(layer.bias),
    }
    with open(os.path.join(directory, "model.safetensors"), "wb") as file:
        file.write(safetensors.numpy.save(tensors, {"format": "pt"}))


def _write_json(directory: str, name: str, content: Any) -> None:
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
