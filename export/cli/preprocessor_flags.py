"""Flags of the commands that export a preprocessor.

A command makes them its own with `flags.adopt_module_key_flags(preprocessor_flags)`.
"""

from absl import flags

DEFAULT_SEQ_LENGTH = flags.DEFINE_integer(
    "default_seq_length",
    None,
    "Default length of the packed rows in tokens, special tokens included. Default: 128, or the "
    "encoder's positions if it has fewer.",
    lower_bound=3,
)
