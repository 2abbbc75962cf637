"""What the code that wrote a checkpoint fixes by itself: one record for each kind of source.

Example:
    rules = source_rules.HUGGING_FACE
    rules.gelu, rules.group_formula, rules.defaults["hidden_act"]

The sources disagree silently. "gelu" is the tanh form in google-research/albert and the erf form in
transformers; the group of a layer is computed with another rounding; a key that a config leaves out
has another default. All of this is here, as data, and nowhere else.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from configs import tokenizations

# The tanh form of gelu is the original's (modeling.py, `gelu`); "erf" is the exact one.
GELU_TANH = "gelu_tanh"
GELU_ERF = "gelu_erf"

# What every source means by a name; what "gelu" means differs.
ACTIVATIONS: Mapping[str, str] = {
    GELU_TANH: GELU_TANH,
    GELU_ERF: GELU_ERF,
    "gelu_new": GELU_TANH,
    "gelu_fast": GELU_TANH,
    "gelu_accurate": GELU_TANH,
    "gelu_pytorch_tanh": GELU_TANH,
    "gelu_python": GELU_ERF,
    "relu": "relu",
    "tanh": "tanh",
    "linear": "linear",
}

# Group of a layer, of (layer, number of layers, number of groups), in floating point where the
# source computes it so.
GROUP_FORMULAS: Mapping[str, Callable[[int, int, int], int]] = {
    # google-research/albert, modeling.py, `transformer_model`.
    "original": lambda layer, layers, groups: int(layer / layers * groups),
    # transformers, modeling_albert.py, `AlbertTransformer.forward`.
    "transformers": lambda layer, layers, groups: int(layer / (layers / groups)),
    # KerasHub, albert_backbone.py: every group is called `layers // groups` times.
    "keras_hub": lambda layer, layers, groups: layer // max(layers // groups, 1),
}
ORIGINAL_FORMULA = "original"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceRules:
    """Rules of one kind of source.

    Attributes:
      code: the code that wrote it, for messages.
      gelu: the form of gelu that its configs call "gelu".
      group_formula: key of `GROUP_FORMULAS`.
      defaults: values of the keys that its configs may leave out, by the name of our field.
      constants: values that its code fixes and its configs cannot say.
      always_projects: whether it has an embedding projection where the two sizes are equal, too.
      required: keys without which a config is one of another model.
      taken_from: pairs of a field and another field, whose value it has.
      tokenization: what its models are exported with unless the user says another one.
    """

    code: str
    gelu: str
    group_formula: str = ORIGINAL_FORMULA
    defaults: Mapping[str, Any]
    constants: Mapping[str, Any]
    always_projects: bool = False
    required: tuple[str, ...] = ()
    taken_from: tuple[tuple[str, str], ...] = ()
    tokenization: str = tokenizations.HUB


# Contrib layer_norm of TensorFlow 1, which BERT, ALBERT and their ports keep.
_EPSILON = {"layer_norm_eps": 1e-12}
_ORIGINAL_DEFAULTS = {
    "embedding_size": 128,
    "hidden_size": 4096,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "num_attention_heads": 64,
    "intermediate_size": 16384,
    "inner_group_num": 1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
}
_ONE_BLOCK = {"num_hidden_groups": 1, "inner_group_num": 1}

ORIGINAL = SourceRules(
    code="google-research/albert",
    gelu=GELU_TANH,
    defaults=_ORIGINAL_DEFAULTS,
    constants=_EPSILON,
)
HUGGING_FACE = SourceRules(
    code="transformers",
    gelu=GELU_ERF,
    group_formula="transformers",
    defaults={**_ORIGINAL_DEFAULTS, "vocab_size": 30000, "hidden_act": "gelu_new", **_EPSILON},
    constants={},
    always_projects=True,
    tokenization=tokenizations.HUGGING_FACE,
)
MODEL_GARDEN = SourceRules(
    code="Model Garden",
    gelu=GELU_TANH,
    defaults={
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "hidden_act": "gelu",
        "intermediate_size": 3072,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
    },
    constants={**_EPSILON, **_ONE_BLOCK},
    always_projects=True,
)
KERAS_HUB = SourceRules(
    code="KerasHub",
    gelu=GELU_TANH,
    group_formula="keras_hub",
    defaults={
        **_ONE_BLOCK,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
    },
    constants={**_EPSILON, "hidden_act": "gelu", "initializer_range": 0.02},
    always_projects=True,
)
# The Chinese models whose blocks are called `layer_shared`. Their word embeddings are the product
# of two matrices, which has hidden size, and they have BERT's other keys and defaults.
BRIGHTMART = SourceRules(
    code="brightmart/albert_zh",
    gelu=GELU_TANH,
    defaults={
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 16,
        "initializer_range": 0.02,
    },
    constants={**_EPSILON, **_ONE_BLOCK},
    required=("embedding_size",),
    taken_from=(("embedding_size", "hidden_size"),),
)

# Keys of other names, as (theirs, ours).
_KERAS_HUB_KEYS = (
    ("vocabulary_size", "vocab_size"),
    ("embedding_dim", "embedding_size"),
    ("hidden_dim", "hidden_size"),
    ("num_layers", "num_hidden_layers"),
    ("num_groups", "num_hidden_groups"),
    ("num_inner_repetitions", "inner_group_num"),
    ("num_heads", "num_attention_heads"),
    ("intermediate_dim", "intermediate_size"),
    ("max_sequence_length", "max_position_embeddings"),
    ("num_segments", "type_vocab_size"),
    ("dropout", "hidden_dropout_prob"),
    ("dropout", "attention_probs_dropout_prob"),
)
_MODEL_GARDEN_KEYS = (
    ("embedding_width", "embedding_size"),
    ("num_layers", "num_hidden_layers"),
    ("hidden_activation", "hidden_act"),
    ("dropout_rate", "hidden_dropout_prob"),
    ("attention_dropout_rate", "attention_probs_dropout_prob"),
)
# What a config may say of the computation: other values mean another one, with the same weights.
# `ln_type` and `share_type` are of brightmart/albert_zh and its ports.
_ARCHITECTURE = {
    "model_type": "albert",
    "position_embedding_type": "absolute",
    "ln_type": "postln",
    "share_type": "all",
}
_BACKBONES = ("keras_hub>AlbertBackbone", "keras_nlp>AlbertBackbone")
# Keys that configs of BERT, and of brightmart's ALBERT, have and google's ALBERT has not.
_BERT_KEYS = ("ln_type", "directionality", "pooler_fc_size", "pooler_type")
# Keys that transformers writes; `model_type` since 2.4.
_HUGGING_FACE_KEYS = ("model_type", "architectures", "pruned_heads")


def plain(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], SourceRules]:
    """Returns a config with our names of the keys, and the rules that its content speaks for.

    Args:
      values: google-research/albert's `albert_config.json`, Hugging Face's `config.json`, a
        KerasHub preset's `config.json`, Model Garden's `params.yaml`, or the config of a manifest.
    """
    if "registered_name" in values:
        return _renamed(values.get("config"), _KERAS_HUB_KEYS), KERAS_HUB
    if "task" in values:
        inner: Any = values
        for key in ("task", "model", "encoder", "albert"):
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        return _renamed(inner, _MODEL_GARDEN_KEYS), MODEL_GARDEN
    if "num_hidden_groups" not in values and any(key in values for key in _BERT_KEYS):
        return values, BRIGHTMART
    is_hugging_face = any(key in values for key in _HUGGING_FACE_KEYS)
    return values, HUGGING_FACE if is_hugging_face else ORIGINAL


def problems(values: Mapping[str, Any], plain: Mapping[str, Any], rules: SourceRules) -> list[str]:
    """Returns why a config is one of another model.

    Args:
      values: the content of the file.
      plain: the same, as `plain` returns it.
      rules: of the code that wrote the weights.
    """
    found = [
        f"{key} must be {right!r}, got {plain[key]!r}, which is another architecture"
        for key, right in _ARCHITECTURE.items()
        if plain.get(key, right) != right
    ]
    if values.get("registered_name", _BACKBONES[0]) not in _BACKBONES:
        got = values["registered_name"]
        found.append(f"registered_name must be {_BACKBONES[0]!r}, got {got!r}")
    if not plain:
        found.append("it has no config of an ALBERT encoder")
    return found + [
        f"missing keys: {key}, which the configs of {rules.code} have and BERT's have not"
        for key in rules.required
        if key not in plain
    ]


def _renamed(values: Any, keys: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        return {}
    return {**values, **{ours: values[theirs] for theirs, ours in keys if theirs in values}}
