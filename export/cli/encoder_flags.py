"""Flags of the commands that export an encoder.

A command makes them its own with `flags.adopt_module_key_flags(encoder_flags)`.
"""

from typing import Any

from absl import flags

from configs import head_config
from export.artifacts import head_choice

_OVERRIDES = [
    flags.DEFINE_float(name, None, f"Overrides the config's {name}.")
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob")
]
_MLM = flags.DEFINE_bool(
    "mlm",
    None,
    "Whether to export the masked language model, `.mlm`. Default: what the weights have.",
)
_HEAD = flags.DEFINE_bool(
    "head",
    True,
    "Whether to export the head of a fine-tuned model that the weights have: `.classify`, `.tag`, "
    "`.answer` or `.choose`.",
)
_NEW_HEAD = flags.DEFINE_enum(
    "new_head",
    None,
    list(head_choice.NEW_HEADS),
    "Adds a head with random weights, to be trained; sop is that of pre-training, `.sop`.",
)
_LABELS = flags.DEFINE_list(
    "labels",
    [],
    "Labels of --new_head classify or tag, in the order of the logits; without --new_head, in "
    "place of those that the weights' head has.",
)
_PROBLEM_TYPE = flags.DEFINE_enum(
    "problem_type",
    None,
    list(head_config.PROBLEM_TYPES),
    "What the logits of a classifier mean. Default: what the checkpoint says; else regression for "
    "one label, and one of the labels for several.",
)
COMPUTE_DTYPE = flags.DEFINE_enum(
    "compute_dtype",
    None,
    ["float32", "bfloat16"],
    "Dtype of activations and matrix products. Variables and outputs are float32 always. Default: "
    "float32; of a text model that of its --encoder.",
)


def values() -> dict[str, Any]:
    """Returns the flags by the names that the functions of `export.api` have for them."""
    overrides = {flag.name: flag.value for flag in _OVERRIDES if flag.value is not None}
    head = head_choice.Request(
        keep=_HEAD.value,
        new_head=_NEW_HEAD.value,
        labels=tuple(_LABELS.value),
        problem_type=_PROBLEM_TYPE.value,
    )
    return {
        "overrides": overrides,
        "mlm": _MLM.value,
        "head": head,
        "compute_dtype": COMPUTE_DTYPE.value or "float32",
    }
