"""Flags that name a checkpoint, shared by the commands that read one.

A command makes them its own with `flags.adopt_module_key_flags(checkpoint_flags)`.
"""

from typing import Any

from absl import flags

from configs import albert_config
from export.checkpoints import weight_table

CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "Weights: a directory, a file, the prefix of a TensorFlow checkpoint, or "
    "hf://org/name[@revision].",
)
CHECKPOINT_FORMAT = flags.DEFINE_enum(
    "checkpoint_format",
    None,
    list(weight_table.FORMATS),
    "What --checkpoint is. Default: found out.",
)
CONFIG = flags.DEFINE_string(
    "config",
    None,
    f"Size ({', '.join(albert_config.SIZES)}), or path of an albert_config.json "
    "(google-research/albert) or config.json (Hugging Face, KerasHub). Required where no "
    "checkpoint brings one.",
)
ADAPTER = flags.DEFINE_string(
    "adapter", None, "Folder of a LoRA adapter, as PEFT saves it, to merge into --checkpoint."
)
ALLOW_UNUSED = flags.DEFINE_string(
    "allow_unused",
    None,
    "Regular expression: tensors of --checkpoint in whose names it is found are left out, as those "
    "of a head of your own. Each of them is listed.",
)


def values() -> dict[str, Any]:
    """Returns all but the checkpoint by the names that the functions of `export.api` have."""
    return {
        "checkpoint_format": CHECKPOINT_FORMAT.value,
        "config": CONFIG.value,
        "adapter": ADAPTER.value,
        "allow_unused": ALLOW_UNUSED.value,
    }
