"""Exports a checkpoint as artifacts that belong together: an encoder and its preprocessor.

Prints their paths, one a line, and nothing else on stdout:

    python -m export.all --checkpoint my_albert --model_name my_albert
    python -m export.all --checkpoint hf://org/name --model_name my_albert

    exports/my_albert/1
    exports/my_albert_preprocess/1

Both are published as one version, or neither. The tokenizer is that beside the weights.
"""

from absl import flags

from export import api
from export.cli import (
    checkpoint_flags,
    encoder_flags,
    export_flags,
    preprocessor_flags,
    progress,
    runner,
    tokenizer_flags,
)

_PREPROCESSOR_NAME = flags.DEFINE_string(
    "preprocessor_name",
    None,
    "Name of the folder above the preprocessor's versions. Default: <model_name>_preprocess.",
)
for module in (
    checkpoint_flags,
    encoder_flags,
    preprocessor_flags,
    tokenizer_flags,
    export_flags,
):
    flags.adopt_module_key_flags(module)
flags.mark_flags_as_required([checkpoint_flags.CHECKPOINT, export_flags.MODEL_NAME])


def main() -> None:
    with progress.callback("reading weights") as on_progress:
        paths = api.export_all(
            str(checkpoint_flags.CHECKPOINT.value),
            model_name=str(export_flags.MODEL_NAME.value),
            preprocessor_name=_PREPROCESSOR_NAME.value,
            tokenizer=tokenizer_flags.request(),
            default_seq_length=preprocessor_flags.DEFAULT_SEQ_LENGTH.value,
            **checkpoint_flags.values(),
            **encoder_flags.values(),
            **export_flags.destination(),
            log=runner.log,
            on_progress=on_progress,
        )
    print(*paths, sep="\n")


if __name__ == "__main__":
    runner.run(main)
