"""Exports the preprocessor of an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints only the path of the artifact, <export_dir>/<model_name>/<version>, on stdout:

    dir=$(python -m export.preprocessor --checkpoint my_albert --model_name my_albert_preprocess)
    dir=$(python -m export.preprocessor --encoder exports/albert_en_large/1)
    dir=$(python -m export.preprocessor --sp_model_file 30k-clean.model)

Without any of these it has the project's demo vocabulary, and stderr says so.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from export import api
from export.cli import export_flags, preprocessor_flags, runner, tokenizer_flags

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "Weights with whose tokenizer and settings it is made: a directory, a file, the prefix of a "
    "TensorFlow checkpoint, or hf://org/name[@revision].",
)
_ENCODER = flags.DEFINE_string(
    "encoder", None, "Folder of an exported encoder with whose tokenizer it is made."
)
for module in (preprocessor_flags, tokenizer_flags, export_flags):
    flags.adopt_module_key_flags(module)


def main() -> None:
    path = api.export_preprocessor(
        model_name=export_flags.MODEL_NAME.value or "albert_en_preprocess",
        checkpoint=_CHECKPOINT.value,
        encoder=_ENCODER.value,
        tokenizer=tokenizer_flags.request(),
        default_seq_length=preprocessor_flags.DEFAULT_SEQ_LENGTH.value,
        **export_flags.destination(),
        log=runner.log,
    )
    print(path)


if __name__ == "__main__":
    runner.run(main)
