"""The hyper-parameters of an ALBERT model, and the sizes that were published.

    config = albert_config.load("large")  # a published size
    config = albert_config.load("albert_config.json")  # google-research/albert or Hugging Face

Names are those of google-research/albert's `albert_config.json`, with two exceptions, because the
sources disagree silently (`source_rules.py`): `hidden_act` uses names of its own, and
`embedding_projection` says whether there is a matrix from embedding to hidden size (Hugging Face,
Model Garden and KerasHub always have one; the original only where the two sizes differ).
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from configs import errors, source_rules, strangers_files, yaml_content

GELU_TANH = source_rules.GELU_TANH
GELU_ERF = source_rules.GELU_ERF
HIDDEN_ACTS = (GELU_TANH, GELU_ERF, "relu", "tanh", "linear")
_MOST_BLOCKS = 1000
_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlbertConfig:
    """Hyper-parameters of an ALBERT encoder. No size has a default: a default is a guess.

    The last fields tell what almost no model has, and manifests name them only then:
    `group_formula`, a key of `source_rules.GROUP_FORMULAS`, is the original's wherever that one
    gives the same groups; `pooler` is whether there is one; `tie_word_embeddings` is whether the
    masked language model's output matrix is the word embeddings, and `mlm_layer_norm_eps` its
    epsilon if it has its own. Heads of fine-tuned models have `classifier_dropout_prob`, and
    `start_n_top`, of how many starts run_squad_v2's computes the ends.

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
    group_formula: str = source_rules.ORIGINAL_FORMULA
    pooler: bool = True
    tie_word_embeddings: bool = True
    mlm_layer_norm_eps: float | None = None
    classifier_dropout_prob: float = 0.1
    start_n_top: int = 5

    def __post_init__(self) -> None:
        problems = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is int and not (_is_int(value) and 1 <= value < 1 << 31):
                problems.append(f"{field.name} must be a positive integer, got {value!r}")
            is_float = field.type is float or (field.type == float | None and value is not None)
            if is_float and not _is_number(value):
                problems.append(f"{field.name} must be a finite number, got {value!r}")
            if field.type is bool and not isinstance(value, bool):
                problems.append(f"{field.name} must be true or false, got {value!r}")
        if self.hidden_act not in HIDDEN_ACTS:
            problems.append(f"hidden_act must be one of {HIDDEN_ACTS}, got {self.hidden_act!r}")
        if self.group_formula not in tuple(source_rules.GROUP_FORMULAS):  # it may be unhashable
            formulas = ", ".join(source_rules.GROUP_FORMULAS)
            problems.append(f"group_formula must be one of {formulas}, got {self.group_formula!r}")
        if not problems:
            problems = self._inconsistencies()
        if problems:
            raise errors.ConfigError(errors.listing("invalid ALBERT config", problems))
        if self._groups(self.group_formula) == self._groups(source_rules.ORIGINAL_FORMULA):
            object.__setattr__(self, "group_formula", source_rules.ORIGINAL_FORMULA)

    def _inconsistencies(self) -> list[str]:
        blocks = max(self.num_hidden_layers, self.num_hidden_groups * self.inner_group_num)
        if blocks > _MOST_BLOCKS:  # listing them would take hours
            return [f"{blocks} layers or blocks are more than {_MOST_BLOCKS}"]
        problems = []
        if self.hidden_size % self.num_attention_heads:
            problems.append(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )
        if self.num_hidden_groups > self.num_hidden_layers:
            problems.append(
                f"num_hidden_groups {self.num_hidden_groups} exceeds "
                f"num_hidden_layers {self.num_hidden_layers}; where dense layers are split into "
                "groups (albert_config_*_google_fast.json) it is another architecture"
            )
        elif max(self._groups(self.group_formula)) >= self.num_hidden_groups:
            problems.append(
                f"{self.num_hidden_layers} layers cannot be split into {self.num_hidden_groups} "
                f"groups by the formula of {self.group_formula}"
            )
        if self.embedding_size != self.hidden_size and not self.embedding_projection:
            problems.append(
                f"embedding_size {self.embedding_size} differs from hidden_size "
                f"{self.hidden_size}, which needs an embedding projection"
            )
        for name in _DROPOUTS:
            if not 0 <= getattr(self, name) < 1:
                problems.append(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name in ("initializer_range", "layer_norm_eps", "mlm_layer_norm_eps"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                problems.append(f"{name} must be positive, got {getattr(self, name)}")
        return problems

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    def group_of_layer(self, layer: int) -> int:
        """Returns the group whose weights hidden layer `layer` uses."""
        return self._groups(self.group_formula)[layer]

    def _groups(self, formula: str) -> list[int]:
        of_layer = source_rules.GROUP_FORMULAS[formula]
        layers, groups = self.num_hidden_layers, self.num_hidden_groups
        return [of_layer(layer, layers, groups) for layer in range(layers)]

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as JSON values; `from_json` is the inverse."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }


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


def load(
    size_or_path: str,
    *,
    rules: source_rules.SourceRules | None = None,
    sizes: Mapping[str, int] | None = None,
) -> AlbertConfig:
    """Returns the config of a published size, or reads it from a JSON or YAML file.

    Args:
      size_or_path: a key of `SIZES`, or the path of a file.
      rules: see `from_json`.
      sizes: see `from_json`.

    Raises:
      errors.ConfigError: unknown size, or the file is missing, not JSON, or not a valid config.
    """
    if size_or_path in SIZES:
        return SIZES[size_or_path]
    if not os.path.isfile(size_or_path):
        raise errors.ConfigError(
            f"config {size_or_path!r} is neither a size ({', '.join(SIZES)}) nor a file"
        )
    values = read_file(size_or_path)
    try:
        return from_json(values, rules=rules, sizes=sizes)
    except errors.ConfigError as error:
        raise errors.ConfigError(f"config {size_or_path!r}: {error}") from error


def read_file(path: str) -> dict[str, Any]:
    """Returns the keys and values of a JSON file, or of a YAML file (`params.yaml`).

    Raises:
      errors.ConfigError: it cannot be read, or holds anything else.
    """
    try:
        with open(path, encoding="utf-8", opener=strangers_files.opener) as file:
            content = file.read()
        values = (
            yaml_content.parse(content)
            if path.endswith((".yaml", ".yml"))
            else strangers_files.parse_json(content)
        )
    except (OSError, ValueError, RecursionError) as error:
        raise errors.ConfigError(f"config {path!r} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise errors.ConfigError(f"config {path!r} is not a JSON object")
    return values


def from_json(
    values: Mapping[str, Any],
    *,
    rules: source_rules.SourceRules | None = None,
    sizes: Mapping[str, int] | None = None,
) -> AlbertConfig:
    """Returns the config that the content of a file stands for.

    Args:
      values: see `source_rules.plain`. Keys the encoder does not use are ignored.
      rules: of the code that wrote the weights, whatever wrote the file; None where there are no
        weights: those that the content speaks for.
      sizes: fields that the weights say, for keys that the config leaves out.

    Raises:
      errors.ConfigError: lists what is missing, not known or inconsistent.
    """
    plain, by_content = source_rules.plain(values)
    rules = rules or by_content
    problems = source_rules.problems(values, plain, rules)
    if problems:
        raise errors.ConfigError("; ".join(problems))
    found = {**rules.constants, **rules.defaults, **(sizes or {}), **plain}
    found |= {field: found.get(other) for field, other in rules.taken_from}
    if found.get(_DROPOUTS[-1], 0) is None:  # transformers then takes that of hidden layers
        found[_DROPOUTS[-1]] = found.get(_DROPOUTS[0])
    found.setdefault(
        "embedding_projection",
        rules.always_projects or found.get("embedding_size") != found.get("hidden_size"),
    )
    found.setdefault("group_formula", rules.group_formula)
    acts = {**source_rules.ACTIVATIONS, "gelu": rules.gelu}
    act = found.get("hidden_act")
    if not isinstance(act, str) or act not in acts:
        raise errors.ConfigError(f"hidden_act must be one of {', '.join(acts)}, got {act!r}")
    found["hidden_act"] = acts[act]
    fields = {field.name: field for field in dataclasses.fields(AlbertConfig)}
    missing = [
        name
        for name, field in fields.items()
        if name not in found and field.default is dataclasses.MISSING
    ]
    if missing:
        raise errors.ConfigError(f"missing keys: {', '.join(missing)}")
    known = {name: value for name, value in found.items() if name in fields}
    for name, value in known.items():
        if fields[name].type is float and _is_int(value) and _is_number(value):
            known[name] = float(value)
    return AlbertConfig(**known)


def assumed(
    values: Mapping[str, Any],
    *,
    rules: source_rules.SourceRules | None = None,
    sizes: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Returns the defaults that `from_json` takes for what neither config nor weights say."""
    plain, by_content = source_rules.plain(values)
    said = {*plain, *(sizes or {})}
    defaults = (rules or by_content).defaults
    return {name: value for name, value in defaults.items() if name not in said}
