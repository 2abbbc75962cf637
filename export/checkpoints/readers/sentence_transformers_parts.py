"""Reads the parts behind the Transformer of a folder of sentence-transformers, strictly.

    sentence_transformers_parts.modes("model/1_Pooling")  # ("mean",)
    sentence_transformers_parts.dense("model/2_Dense").kernel

A setting that would change vectors, and is not computed here, is refused by its name.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import errors, pooling
from export.checkpoints.readers import hugging_face, sentence_transformers_modules, sidecars

_VECTOR = "sentence_embedding"
# Keys of older Pooling configs, in the order in which their vectors are joined.
_OLD_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_POOLING_KEYS = (*_OLD_MODES, "pooling_mode", "word_embedding_dimension", "embedding_dimension")
_POOLING_DEFAULTS = {"include_prompt": True}
_OF_VECTORS = {"module_input_name": _VECTOR, "module_output_name": _VECTOR}
_DENSE_KEYS = ("in_features", "out_features", "bias", "activation_function")
_DENSE_DEFAULTS = {**_OF_VECTORS, "use_residual": False}
_ACTIVATIONS = {"Tanh": "tanh", "Identity": "linear"}
_WEIGHT, _BIAS = "linear.weight", "linear.bias"
_SHOWN = 70  # characters of a value
_NOTHING: tuple[Any, ...] = (None, {}, [])


def check_settings(
    settings: Mapping[str, Any], path: str, *, known: Sequence[str], defaults: Mapping[str, Any]
) -> None:
    """Checks that settings say nothing but what is known.

    Args:
      settings: the content of a file.
      path: of the file.
      known: keys that are read.
      defaults: keys that may have one value.

    Raises:
      errors.CheckpointError: lists all others, but for those that are empty.
    """
    unknown = [
        f"{key} {repr(value)[:_SHOWN]}"
        for key, value in settings.items()
        if key not in known and value not in _NOTHING and value != defaults.get(key, _NOTHING)
    ]
    if unknown:
        raise errors.CheckpointError(
            f"{path!r} has settings that a text model cannot have: {', '.join(unknown)}; only a "
            "model that was trained without them can be exported"
        )


def modes(folder: str) -> tuple[str, ...]:
    """Returns the modes of a Pooling, by the names of `pooling.MODES`."""
    config, path = _config(folder)
    check_settings(config, path, known=_POOLING_KEYS, defaults=_POOLING_DEFAULTS)
    found = config.get("pooling_mode")
    if found is None:
        found = [mode for key, mode in _OLD_MODES.items() if config.get(key)] or ["mean"]
    names = [found] if isinstance(found, str) else list(found)
    names = ["first" if name == "cls" else name for name in names]
    unknown = [str(name) for name in names if name not in pooling.MODES]
    if unknown or not names:
        raise errors.CheckpointError(
            f"{folder!r} has a pooling that is not known: {', '.join(unknown) or 'none'}"
        )
    return tuple(names)


def check_normalize(folder: str) -> None:
    """Checks that a Normalize is one of vectors."""
    path = os.path.join(folder, sentence_transformers_modules.MODULE_CONFIG)
    if os.path.isfile(path):  # older ones have none
        check_settings(sidecars.read_json(path), path, known=(), defaults=_OF_VECTORS)


def dense(folder: str) -> pooling.DenseLayer:
    """Returns the layer that a Dense is."""
    config, path = _config(folder)
    check_settings(config, path, known=_DENSE_KEYS, defaults=_DENSE_DEFAULTS)
    name = str(config.get("activation_function", "torch.nn.Tanh"))
    activation = name.rsplit(".", 1)[-1]
    if activation not in _ACTIVATIONS or not name.startswith("torch."):
        raise errors.CheckpointError(
            f"{folder!r} has the activation {name}, which is not known: torch's "
            f"{' and '.join(_ACTIVATIONS)} are"
        )
    weight, bias = _weights(folder, config)
    kernel, bias = weight.T.astype(np.float32), bias.astype(np.float32)
    return pooling.DenseLayer(
        kernel=np.ascontiguousarray(kernel), bias=bias, activation=_ACTIVATIONS[activation]
    )


def _weights(folder: str, config: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    paths = [os.path.join(folder, name) for name in hugging_face.WEIGHTS]
    path = next(filter(os.path.isfile, paths), None)
    if path is None:
        raise errors.CheckpointError(f"{folder!r} has no weights of its dense layer")
    tensors = {name: tensor.read() for name, tensor in hugging_face.read_file(path).items()}
    has_bias = bool(config.get("bias", True))
    if others := sorted({*tensors} - {_WEIGHT, *([_BIAS] if has_bias else [])}):
        raise errors.CheckpointError(
            f"{path!r} has tensors that a dense layer does not have: {', '.join(others)}"
        )
    weight = tensors.get(_WEIGHT, np.zeros(0))
    bias = tensors.get(_BIAS, np.zeros(0 if has_bias else weight.shape[:1]))
    is_finite = all(np.isfinite(tensor).all() for tensor in (weight, bias))
    if weight.ndim != 2 or bias.shape != weight.shape[:1] or not is_finite:
        raise errors.CheckpointError(
            f"{path!r} must have a finite {_WEIGHT} [out, in] and {_BIAS} [out], got "
            f"{weight.shape} and {bias.shape}"
        )
    outputs, inputs = weight.shape
    said = config.get("out_features", outputs), config.get("in_features", inputs)
    if said != (outputs, inputs):
        raise errors.CheckpointError(
            f"{path!r} has a {_WEIGHT} of shape {weight.shape}, its config says {said}"
        )
    return weight, bias


def _config(folder: str) -> tuple[dict[str, Any], str]:
    path = os.path.join(folder, sentence_transformers_modules.MODULE_CONFIG)
    return sidecars.read_json(path), path
