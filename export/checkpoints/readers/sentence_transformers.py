"""Reads what a folder of sentence-transformers does with the states of its Transformer.

    recipe = sentence_transformers.read("paraphrase-albert-small-v2")  # None without modules.json
    recipe.pooling, recipe.max_seq_length

`modules.json` lists the parts: Transformer, Pooling, Dense and Normalize. Others are refused.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from configs import errors, pooling, strangers_files
from export.checkpoints.readers import hugging_face, sidecars

MODULES = "modules.json"
_TRANSFORMER_CONFIG = "sentence_bert_config.json"
_CONFIG = "config_sentence_transformers.json"
_TOKENIZER_CONFIG = "tokenizer_config.json"
# Keys of older Pooling configs, in the order in which their vectors are joined.
_OLD_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_ACTIVATIONS = {"Tanh": "tanh", "Identity": "linear"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a folder says.

    Attributes:
      pooling: from states to a vector.
      max_seq_length: tokens after which a text is cut; None if it does not say.
      notices: what the user should know.
    """

    pooling: pooling.Pooling
    max_seq_length: int | None
    notices: tuple[str, ...] = ()


def beside(directories: Sequence[str]) -> Recipe | None:
    """Returns what the folder says that weights are in, or that their folder is in."""
    for directory in directories:
        for folder in (directory, os.path.dirname(os.path.abspath(directory))):
            recipe = read(folder)
            if recipe is not None:
                return recipe
    return None


def read(directory: str) -> Recipe | None:
    """Returns what a folder says; None if it is not of sentence-transformers.

    Raises:
      errors.CheckpointError: a file cannot be read, or there is a part that is not known.
    """
    path = os.path.join(directory, MODULES)
    if not os.path.isfile(path):
        return None
    with strangers_files.reading(repr(directory), error_type=errors.CheckpointError):
        return _read(directory, path)


def _read(directory: str, path: str) -> Recipe:
    transformer, modes, dense, normalize = directory, None, [], False
    for module in sidecars.read_json_list(path):
        kind = str(module.get("type")).rsplit(".", 1)[-1]
        folder = os.path.join(directory, str(module.get("path", "")))
        if kind == "Transformer":
            transformer = folder
        elif kind == "Pooling" and modes is None:
            modes = _modes(folder)
        elif kind == "Dense" and modes is not None and not normalize:
            dense.append(_dense(folder))
        elif kind == "Normalize":
            normalize = True
        else:
            raise errors.CheckpointError(
                f"{path!r} has a part {kind} at its place, which a text model cannot have: "
                "Transformer, Pooling, Dense and Normalize can be exported, in this order"
            )
    settings = _optional(transformer, _TRANSFORMER_CONFIG)
    prompt, notices = _prompt(directory)
    return Recipe(
        pooling=pooling.Pooling(
            modes=modes or ("mean",),
            dense=tuple(dense),
            normalize=normalize,
            prompt=prompt,
            lower_case=bool(settings.get("do_lower_case")),
        ),
        max_seq_length=_length(settings, transformer),
        notices=notices,
    )


def _modes(folder: str) -> tuple[str, ...]:
    config = sidecars.read_json(os.path.join(folder, "config.json"))
    found = config.get("pooling_mode")
    if found is None:
        found = [mode for key, mode in _OLD_MODES.items() if config.get(key)] or ["mean"]
    names = [found] if isinstance(found, str) else list(found)
    names = ["first" if name == "cls" else name for name in names]
    unknown = [str(name) for name in names if name not in pooling.MODES]
    if unknown or not config.get("include_prompt", True):
        what = ", ".join(unknown) or "include_prompt false"
        raise errors.CheckpointError(f"{folder!r} has a pooling that is not known: {what}")
    return tuple(names)


def _dense(folder: str) -> pooling.DenseLayer:
    config = sidecars.read_json(os.path.join(folder, "config.json"))
    activation = str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    if activation not in _ACTIVATIONS:
        raise errors.CheckpointError(
            f"{folder!r} has the activation {activation}, which is not known: "
            f"{', '.join(_ACTIVATIONS)} are"
        )
    path = next(
        (
            os.path.join(folder, name)
            for name in hugging_face.WEIGHTS
            if os.path.isfile(os.path.join(folder, name))
        ),
        None,
    )
    if path is None:
        raise errors.CheckpointError(f"{folder!r} has no weights of its dense layer")
    tensors = {name: tensor.read() for name, tensor in hugging_face.read_file(path).items()}
    weight = tensors.get("linear.weight", np.zeros(0))
    bias = tensors.get("linear.bias", np.zeros(weight.shape[:1]))
    is_finite = all(np.isfinite(tensor).all() for tensor in (weight, bias))
    if weight.ndim != 2 or bias.shape != weight.shape[:1] or not is_finite:
        raise errors.CheckpointError(
            f"{path!r} must have a finite linear.weight [out, in] and linear.bias [out], got "
            f"{weight.shape} and {bias.shape}"
        )
    kernel, bias = weight.T.astype(np.float32), bias.astype(np.float32)
    return pooling.DenseLayer(
        kernel=np.ascontiguousarray(kernel), bias=bias, activation=_ACTIVATIONS[activation]
    )


def _prompt(directory: str) -> tuple[str, tuple[str, ...]]:
    """Returns the prompt that `encode` puts in front of texts, and what is to be said of others."""
    config = _optional(directory, _CONFIG)
    prompts, default = config.get("prompts") or {}, config.get("default_prompt_name")
    if not isinstance(prompts, dict) or (default is not None and default not in prompts):
        raise errors.CheckpointError(
            f"{os.path.join(directory, _CONFIG)!r} has no prompt named {default!r}, or no prompts "
            "by name"
        )
    prompts = {name: str(text) for name, text in prompts.items() if text}
    others = ", ".join(name for name in prompts if name != default)
    notices = (f"its prompts {others} are not put in front of texts",) if others else ()
    return prompts.get(default, ""), notices


def _length(settings: dict[str, Any], transformer: str) -> int | None:
    for value in (
        settings.get("max_seq_length"),
        _optional(transformer, _TOKENIZER_CONFIG).get("model_max_length"),
    ):
        if isinstance(value, int) and 0 < value < 1 << 20:  # tokenizers write 1e30 for none
            return value
    return None


def _optional(directory: str, name: str) -> dict[str, Any]:
    path = os.path.join(directory, name)
    return sidecars.read_json(path) if os.path.isfile(path) else {}
