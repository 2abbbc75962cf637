"""The hyper-parameters of an ALBERT model, and the sizes that were published.

    config = albert_config.load("large")  # a published size
    config = albert_config.load("albert_config.json")  # google-research/albert or Hugging Face

Names are those of google-research/albert's `albert_config.json`, with two exceptions, because the
sources disagree silently: `hidden_act` uses names of its own ("gelu" is the tanh form there and the
erf form in Hugging Face), and `embedding_projection` says whether there is a matrix from embedding
to hidden size (Hugging Face, Model Garden and KerasHub always have one; the original only where the
two sizes differ).
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

from configs import errors

# The tanh form of gelu is the original's (modeling.py, `gelu`); "erf" is the exact one.
GELU_TANH = "gelu_tanh"
GELU_ERF = "gelu_erf"
HIDDEN_ACTS = (GELU_TANH, GELU_ERF, "relu", "tanh", "linear")

_ORIGINAL_ACTS = {"gelu": GELU_TANH, "relu": "relu", "tanh": "tanh", "linear": "linear"}
_HUGGING_FACE_ACTS = {
    "gelu": GELU_ERF,
    "gelu_new": GELU_TANH,
    "gelu_fast": GELU_TANH,
    "gelu_pytorch_tanh": GELU_TANH,
    "relu": "relu",
    "tanh": "tanh",
    "linear": "linear",
}

_KERAS_HUB_KEYS = {
    "vocabulary_size": "vocab_size",
    "embedding_dim": "embedding_size",
    "hidden_dim": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_groups": "num_hidden_groups",
    "num_inner_repetitions": "inner_group_num",
    "num_heads": "num_attention_heads",
    "intermediate_dim": "intermediate_size",
    "max_sequence_length": "max_position_embeddings",
    "num_segments": "type_vocab_size",
    "dropout": "attention_probs_dropout_prob",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlbertConfig:
    """Hyper-parameters of an ALBERT encoder. Nothing has a default: a default is a guess.

    Raises:
      errors.ConfigError: lists every field that is out of range or does not fit another.
    """

    vocab_size: int
    embedding_size: int
    hidden_size: int
    num_hidden_layers: int
    num_hidden_groups: int
    inner_group_num: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_act: str
    hidden_dropout_prob: float
    attention_probs_dropout_prob: float
    initializer_range: float
    layer_norm_eps: float
    embedding_projection: bool

    def __post_init__(self) -> None:
        problems = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is int and not (_is_int(value) and value >= 1):
                problems.append(f"{field.name} must be a positive integer, got {value!r}")
            if field.type is float and not _is_number(value):
                problems.append(f"{field.name} must be a finite number, got {value!r}")
            if field.type is bool and not isinstance(value, bool):
                problems.append(f"{field.name} must be true or false, got {value!r}")
        if self.hidden_act not in HIDDEN_ACTS:
            problems.append(f"hidden_act must be one of {HIDDEN_ACTS}, got {self.hidden_act!r}")
        if not problems:
            problems = self._inconsistencies()
        if problems:
            raise errors.ConfigError(errors.listing("invalid ALBERT config", problems))

    def _inconsistencies(self) -> list[str]:
        problems = []
        if self.hidden_size % self.num_attention_heads:
            problems.append(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )
        if self.num_hidden_groups > self.num_hidden_layers:
            problems.append(
                f"num_hidden_groups {self.num_hidden_groups} exceeds "
                f"num_hidden_layers {self.num_hidden_layers}"
            )
        if self.embedding_size != self.hidden_size and not self.embedding_projection:
            problems.append(
                f"embedding_size {self.embedding_size} differs from hidden_size "
                f"{self.hidden_size}, which needs an embedding projection"
            )
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            if not 0 <= getattr(self, name) < 1:
                problems.append(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name in ("initializer_range", "layer_norm_eps"):
            if getattr(self, name) <= 0:
                problems.append(f"{name} must be positive, got {getattr(self, name)}")
        return problems

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    def group_of_layer(self, layer: int) -> int:
        """Returns the group whose weights hidden layer `layer` uses.

        The original's formula with its float rounding (modeling.py, `transformer_model`).
        """
        return int(layer / self.num_hidden_layers * self.num_hidden_groups)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30


def _v2(
    *, embedding_size: int = 128, hidden_size: int, layers: int, heads: int, intermediate_size: int
) -> AlbertConfig:
    return AlbertConfig(
        vocab_size=30000,
        embedding_size=embedding_size,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_hidden_groups=1,
        inner_group_num=1,
        num_attention_heads=heads,
        intermediate_size=intermediate_size,
        max_position_embeddings=512,
        type_vocab_size=2,
        hidden_act=GELU_TANH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.02,
        layer_norm_eps=1e-12,  # contrib layer_norm in the TF1 release
        embedding_projection=True,
    )


# The v2 models of google-research/albert, and a size for trying things out.
SIZES: Mapping[str, AlbertConfig] = {
    "tiny": _v2(embedding_size=16, hidden_size=32, layers=3, heads=4, intermediate_size=64),
    "base": _v2(hidden_size=768, layers=12, heads=12, intermediate_size=3072),
    "large": _v2(hidden_size=1024, layers=24, heads=16, intermediate_size=4096),
    "xlarge": _v2(hidden_size=2048, layers=24, heads=16, intermediate_size=8192),
    "xxlarge": _v2(hidden_size=4096, layers=12, heads=64, intermediate_size=16384),
}


def load(size_or_path: str) -> AlbertConfig:
    """Returns the config of a published size, or reads it from a JSON file.

    Args:
      size_or_path: a key of `SIZES`, or the path of an `albert_config.json`
        (google-research/albert) or a `config.json` (Hugging Face; known by its `model_type`).

    Raises:
      errors.ConfigError: unknown size, or the file is missing, not JSON, or not a valid config.
    """
    if size_or_path in SIZES:
        return SIZES[size_or_path]
    if not os.path.isfile(size_or_path):
        raise errors.ConfigError(
            f"config {size_or_path!r} is neither a size ({', '.join(SIZES)}) nor a file"
        )
    try:
        with open(size_or_path, encoding="utf-8") as file:
            values = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise errors.ConfigError(f"config {size_or_path!r} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise errors.ConfigError(f"config {size_or_path!r} is not a JSON object")
    try:
        return from_json(values)
    except errors.ConfigError as error:
        raise errors.ConfigError(f"config {size_or_path!r}: {error}") from error


def from_json(values: Mapping[str, Any]) -> AlbertConfig:
    """Returns the config that the content of a JSON file stands for.

    Args:
      values: the keys of google-research/albert's `albert_config.json`; of Hugging Face's
        `config.json`, known by its `model_type`; or of a KerasHub preset's `config.json`, known by
        its `registered_name`. Keys the encoder does not use are ignored.

    Raises:
      errors.ConfigError: lists what is missing, not known or inconsistent.
    """
    if "registered_name" in values:
        return _from_keras_hub(values)
    is_hugging_face = "model_type" in values
    if is_hugging_face and values["model_type"] != "albert":
        raise errors.ConfigError(f"model_type must be 'albert', got {values['model_type']!r}")
    position_type = values.get("position_embedding_type", "absolute")
    if position_type != "absolute":
        raise errors.ConfigError(
            f"position_embedding_type must be 'absolute', got {position_type!r}"
        )
    # Both sources define this default in code: contrib layer_norm, transformers' AlbertConfig.
    found = {"layer_norm_eps": 1e-12} | dict(values)
    found["embedding_projection"] = is_hugging_face or (
        found.get("embedding_size") != found.get("hidden_size")
    )
    acts = _HUGGING_FACE_ACTS if is_hugging_face else _ORIGINAL_ACTS
    act = found.get("hidden_act")
    if isinstance(act, str) and act in acts:
        found["hidden_act"] = acts[act]
    elif "hidden_act" in found:
        raise errors.ConfigError(f"hidden_act must be one of {', '.join(acts)}, got {act!r}")
    names = {field.name for field in dataclasses.fields(AlbertConfig)}
    return from_fields({name: value for name, value in found.items() if name in names})


def from_fields(values: Mapping[str, Any]) -> AlbertConfig:
    """Returns the config with these fields, as `dataclasses.asdict` and JSON spell them.

    Raises:
      errors.ConfigError: lists what is missing, not known or inconsistent.
    """
    fields = {field.name: field for field in dataclasses.fields(AlbertConfig)}
    missing = [name for name in fields if name not in values]
    unknown = [name for name in values if name not in fields]
    problems = [f"missing keys: {', '.join(missing)}"] if missing else []
    problems += [f"unknown keys: {', '.join(unknown)}"] if unknown else []
    if problems:
        raise errors.ConfigError("; ".join(problems))
    converted: dict[str, Any] = dict(values)
    for name, value in values.items():
        if fields[name].type is float and _is_int(value):
            converted[name] = float(value)
    return AlbertConfig(**converted)


def _from_keras_hub(values: Mapping[str, Any]) -> AlbertConfig:
    """Reads the serialized AlbertBackbone of a preset.

    What the preset does not say is written in KerasHub's code (albert_backbone.py): gelu in the
    tanh form and epsilon 1e-12 always, one rate for all dropouts, and always a projection.
    """
    name = values["registered_name"]
    if name not in ("keras_hub>AlbertBackbone", "keras_nlp>AlbertBackbone"):
        raise errors.ConfigError(
            f"registered_name must be 'keras_hub>AlbertBackbone', got {name!r}"
        )
    inner = values.get("config")
    if not isinstance(inner, Mapping):
        raise errors.ConfigError("missing keys: config")
    missing = [key for key in _KERAS_HUB_KEYS if key not in inner]
    if missing:
        raise errors.ConfigError(f"missing keys: {', '.join(missing)}")
    config = from_fields(
        {ours: inner[theirs] for theirs, ours in _KERAS_HUB_KEYS.items()}
        | {
            "hidden_dropout_prob": inner["dropout"],
            "hidden_act": GELU_TANH,
            "initializer_range": 0.02,
            "layer_norm_eps": 1e-12,
            "embedding_projection": True,
        }
    )
    per_group = config.num_hidden_layers / config.num_hidden_groups
    if any(config.group_of_layer(i) != i // per_group for i in range(config.num_hidden_layers)):
        raise errors.ConfigError(
            f"KerasHub runs {config.num_hidden_layers} layers in {config.num_hidden_groups} groups "
            "in another order than the original"
        )
    return config
