"""Merges a LoRA adapter, as PEFT saves it, into the weights of its base model: W + scale * B @ A.

Example:
    tensors, files = lora_adapter.merged(base_tensors, "outputs/checkpoint-500")

https://arxiv.org/abs/2106.09685; the files are those of PEFT's `save_pretrained`.
"""

import dataclasses
import math
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from configs import errors, head_config
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import hugging_face, sidecars

CONFIG = "adapter_config.json"
_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_PREFIX = "base_model.model."
# What PEFT puts into the names: for biases of adapted layers, and for modules that it saves whole,
# beside which `bias="all"` saves what they were before.
_WRAPPER = re.compile(r"\.(base_layer|modules_to_save)(?=\.)")
_REPLACED = ".original_module."
# Name of the matrix that is changed, and which of the two factors it is.
_FACTOR = re.compile(r"(?P<name>.+)\.lora_(?P<embedding>embedding_)?(?P<factor>[AB])(\.weight)?")
# Keys that mean another computation than W + lora_alpha / r * B @ A, with the value that does not.
_PLAIN: Mapping[str, Any] = {
    "peft_type": "LORA",
    "use_dora": False,
    "fan_in_fan_out": False,
    "layer_replication": None,
    "lora_bias": False,
    "use_qalora": False,
    "use_bdlora": None,
    "alora_invocation_tokens": None,
}

# `init_lora_weights` that set the factors alone. With others (pissa, olora, corda, loftq, lora_ga)
# PEFT also changes the base's weights when it loads the adapter.
_PLAIN_STARTS = (True, False, "gaussian", "orthogonal", "eva", "mica")
_MERGE = "merge it with PEFT's merge_and_unload()"

_HEAD = "classifier.weight"
# What PEFT calls the tasks of the heads that an adapter may bring.
_TASKS = {
    "SEQ_CLS": head_config.CLASSIFY,
    "TOKEN_CLS": head_config.TAG,
    "QUESTION_ANS": head_config.ANSWER,
}

_Tensors = Mapping[str, lazy_checkpoint.LazyTensor]


def base(config_path: str) -> str:
    """Returns what an adapter's config calls its base model."""
    return str(sidecars.read_json(config_path).get("base_model_name_or_path"))


def told_heads(directory: str) -> dict[str, dict[str, Any]]:
    """Returns the kind of head that an adapter was trained with, see `head_detection.find`."""
    task = sidecars.read_json(os.path.join(directory, CONFIG)).get("task_type")
    return {_TASKS[task]: {}} if isinstance(task, str) and task in _TASKS else {}


def merged(
    tensors: _Tensors, directory: str
) -> tuple[dict[str, lazy_checkpoint.LazyTensor], tuple[str, ...]]:
    """Returns the tensors of the adapted model, and the files of the adapter.

    Args:
      tensors: of the base model, by canonical name.
      directory: of the adapter. Weights that it holds whole (`modules_to_save`) replace the
        base's.

    Raises:
      errors.CheckpointError: the adapter cannot be read, is of another kind, or does not fit the
        base; the message lists every problem.
    """
    config_path = os.path.join(directory, CONFIG)
    paths = [os.path.join(directory, name) for name in _WEIGHTS]
    path = next((path for path in paths if os.path.isfile(path)), None)
    if path is None or not os.path.isfile(config_path):
        raise errors.CheckpointError(
            f"adapter {directory!r} must be a folder with {CONFIG} and {' or '.join(_WEIGHTS)}"
        )
    config = sidecars.read_json(config_path)
    problems = _other_kinds(config)
    found = dict(tensors)
    whole, factors = _read(path)
    found |= whole
    for name, pair in factors.items():
        change = _change(pair, config)
        if name not in tensors:
            problems.append(f"{name} is not in the base model")
        elif change is None or change.shape != tensors[name].shape:
            problems.append(f"the factors of {name} do not have its shape {tensors[name].shape}")
        else:
            problems += _wrong_types(name, (tensors[name], *change.pair))
            found[name] = _sum(tensors[name], change)
    if problems:
        title = f"adapter {directory!r} cannot be merged into its base"
        raise errors.CheckpointError(errors.listing(title, problems))
    return found, (config_path, path)


def _other_kinds(config: Mapping[str, Any]) -> list[str]:
    """Returns what in an adapter's config means more than W + lora_alpha / r * B @ A."""
    problems = [
        f"{key} must be {right!r}, got {config[key]!r}: {_MERGE}"
        for key, right in _PLAIN.items()
        if config.get(key, right) != right
    ]
    start = config.get("init_lora_weights", True)
    if start not in _PLAIN_STARTS:
        problems.append(
            f"with init_lora_weights {start!r} PEFT changes the base's weights, too: {_MERGE}"
        )
    return problems


def fitting_config(
    config: Mapping[str, Any], *, tensors: _Tensors, told_heads: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the base's config without what it says of a head that the adapter replaced.

    PEFT does not save labels: a head that has as many as the base has the base's, as in PEFT.

    Args:
      config: of the base.
      tensors: of the adapted model.
      told_heads: result of `told_heads`.
    """
    wrong = {"architectures"} if told_heads else set()
    named = config.get("id2label")
    if _HEAD in tensors and isinstance(named, Mapping) and len(named) != tensors[_HEAD].shape[0]:
        wrong |= {"id2label", "label2id"}
    return {key: value for key, value in config.items() if key not in wrong}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Factors:
    """The factors of one matrix.

    Attributes:
      module: its name in the model that PEFT wraps, which may be a bare `AlbertModel`.
      tensors: by "A", "B", "embedding_A", "embedding_B".
    """

    module: str
    tensors: dict[str, lazy_checkpoint.LazyTensor] = dataclasses.field(default_factory=dict)


def _read(path: str) -> tuple[_Tensors, dict[str, _Factors]]:
    """Returns the tensors that are saved whole, and the factors, by canonical names."""
    tensors = {
        _WRAPPER.sub("", name.removeprefix(_PREFIX)): tensor
        for name, tensor in hugging_face.read_file(path).items()
        if _REPLACED not in name
    }
    whole: dict[str, lazy_checkpoint.LazyTensor] = {}
    factors: dict[str, _Factors] = {}
    canonical = hugging_face.with_body_prefix(tensors)
    for (name, tensor), its_name in zip(tensors.items(), canonical, strict=True):
        match, canonical_match = _FACTOR.fullmatch(name), _FACTOR.fullmatch(its_name)
        if match and canonical_match:
            kind = (match["embedding"] or "") + match["factor"]
            pair = factors.setdefault(
                f"{canonical_match['name']}.weight", _Factors(module=match["name"])
            )
            pair.tensors[kind] = tensor
        else:
            whole[its_name] = tensor
    return whole, factors


def _wrong_types(name: str, tensors: Iterable[lazy_checkpoint.LazyTensor]) -> list[str]:
    """Returns which types would be rounded, or are of a quantized model."""
    types = {tensor.dtype for tensor in tensors} - set(lazy_checkpoint.EXACT_IN_FLOAT32)
    wrong = sorted(types)
    return [f"wrong type of {name} or its factors: {one}, expected float32" for one in wrong]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Change:
    """What is added to a matrix.

    Attributes:
      shape: of the matrix.
      pair: the factors, so that the product is `first @ second` [out, in].
      scale: of the product.
      is_transposed: whether the matrix is [in, out], as embeddings are.
    """

    shape: tuple[int, ...]
    pair: tuple[lazy_checkpoint.LazyTensor, lazy_checkpoint.LazyTensor]
    scale: float
    is_transposed: bool

    def read(self) -> np.ndarray:
        first, second = (tensor.read().astype(np.float32) for tensor in self.pair)
        product = np.float32(self.scale) * (first @ second)
        return product.T if self.is_transposed else product


def _change(factors: _Factors, config: Mapping[str, Any]) -> _Change | None:
    """Returns the change of a matrix; None where the factors do not fit each other."""
    pair, module = factors.tensors, factors.module
    is_embedding = set(pair) == {"embedding_A", "embedding_B"}
    if not is_embedding and set(pair) != {"A", "B"}:
        return None
    prefix = "embedding_" if is_embedding else ""
    first, second = pair[f"{prefix}B"], pair[f"{prefix}A"]
    if not len(first.shape) == len(second.shape) == 2 or first.shape[1] != second.shape[0]:
        return None
    rank = _of_pattern(config.get("rank_pattern"), module, config.get("r"))
    alpha = _of_pattern(config.get("alpha_pattern"), module, config.get("lora_alpha"))
    if rank != first.shape[1] or type(alpha) not in (int, float):
        return None
    shape = (first.shape[0], second.shape[1])
    return _Change(
        shape=shape[::-1] if is_embedding else shape,
        pair=(first, second),
        scale=alpha / (math.sqrt(rank) if config.get("use_rslora") else rank),
        is_transposed=is_embedding,
    )


def _of_pattern(patterns: Any, module: str, default: Any) -> Any:
    """Returns the value of the first pattern that is the end of a module's name, as PEFT does."""
    for pattern, value in (patterns or {}).items():
        try:
            is_its = re.fullmatch(rf"(.*\.)?({pattern})", module)
        except re.error as error:
            raise errors.CheckpointError(
                f"{CONFIG} must have regular expressions as patterns, got {pattern!r}: {error}"
            ) from error
        if is_its:
            return value
    return default


def _sum(tensor: lazy_checkpoint.LazyTensor, change: _Change) -> lazy_checkpoint.LazyTensor:
    def read() -> np.ndarray:
        return tensor.read().astype(np.float32) + change.read()

    return dataclasses.replace(tensor, dtype="float32", read=read)
