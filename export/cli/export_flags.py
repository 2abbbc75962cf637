"""Flags that several commands share: absl refuses a flag that two modules define.

`flags.adopt_module_key_flags(export_flags)` makes a command's `--help` show them.
"""

from typing import Any

from absl import flags

EXPORT_DIR = flags.DEFINE_string(
    "export_dir", "exports", "Folder to write <export_dir>/<model_name>/<version>/ into."
)
MODEL_NAME = flags.DEFINE_string(
    "model_name",
    None,
    "Name of the folder above the versions. Of a conversion without its format; default: that in "
    "the path of its source.",
)
VERSION = flags.DEFINE_integer(
    "version",
    None,
    "Version to write, a positive integer. An existing version is never overwritten. "
    "Default: the next free one; of a conversion that in the path of its source.",
    lower_bound=1,
)
SERVING_WARMUP = flags.DEFINE_bool(
    "serving_warmup",
    False,
    "Whether to add requests that TensorFlow Serving runs before it serves users.",
)


def destination() -> dict[str, Any]:
    """Returns all but the name by the names that the functions of `export.api` have."""
    return {
        "export_dir": EXPORT_DIR.value,
        "version": VERSION.value,
        "serving_warmup": SERVING_WARMUP.value,
    }
