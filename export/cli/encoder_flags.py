"""Flags of the commands that export an encoder.

A command makes them its own with `flags.adopt_module_key_flags(encoder_flags)`.
"""

from typing import Any

from absl import flags

_OVERRIDES = [
    flags.DEFINE_float(name, None, f"Overrides the config's {name}.")
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob")
]
_MLM = flags.DEFINE_bool(
    "mlm",
    None,
    "Whether to export the masked language model, `.mlm`. Default: what the weights have.",
)
_COMPUTE_DTYPE = flags.DEFINE_enum(
    "compute_dtype",
    "float32",
    ["float32", "bfloat16"],
    "Dtype of activations and matrix products. Variables and outputs are float32 always.",
)


def values() -> dict[str, Any]:
    """Returns the flags by the names that the functions of `export.api` have for them."""
    overrides = {flag.name: flag.value for flag in _OVERRIDES if flag.value is not None}
    return {"overrides": overrides, "mlm": _MLM.value, "compute_dtype": _COMPUTE_DTYPE.value}
