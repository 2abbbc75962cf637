"""Flags that several commands share. Defined once: absl refuses a flag that two modules define.

A command makes them its own, so that its `--help` shows them, with
`flags.adopt_module_key_flags(shared_flags)`.
"""

from absl import flags

EXPORT_DIR = flags.DEFINE_string(
    "export_dir", "exports", "Folder to write <export_dir>/<model_name>/<version>/ into."
)
MODEL_NAME = flags.DEFINE_string(
    "model_name", None, "Name of the model, the folder above its versions."
)
VERSION = flags.DEFINE_integer(
    "version",
    None,
    "Version to write, a positive integer. An existing version is never overwritten. "
    "Default: the next free one.",
    lower_bound=1,
)
SP_MODEL_FILE = flags.DEFINE_string(
    "sp_model_file",
    None,
    "SentencePiece model with <pad>, <unk>, [CLS], [SEP] and [MASK]. "
    "Default: the one that comes with the checkpoint; the demo vocabulary that ships with the "
    "project only where there is no checkpoint.",
)
VOCAB_FILE = flags.DEFINE_string(
    "vocab_file",
    None,
    "WordPiece vocabulary (vocab.txt) with [PAD], [UNK], [CLS], [SEP] and [MASK], as the Chinese "
    "models have one. Takes the place of --sp_model_file.",
)
LOWER_CASE = flags.DEFINE_bool(
    "lower_case", True, "Whether the vocabulary is uncased, as the released ALBERT models' are."
)
SERVING_WARMUP = flags.DEFINE_bool(
    "serving_warmup",
    False,
    "Whether to add requests that TensorFlow Serving runs before it sends users to the version.",
)
