"""Exports a checkpoint as artifacts that belong together: encoder, preprocessor, text model.

Prints their paths, one a line, and nothing else on stdout:

    python -m export.all --checkpoint my_albert --model_name my_albert
    python -m export.all --checkpoint hf://org/name --model_name my_albert

    exports/my_albert/1
    exports/my_albert_preprocess/1
    exports/my_albert_text/1

All get the same version, and an error publishes none. The tokenizer is that beside the weights, and
the text model does what the fine-tuned head is for. Without one it embeds texts, or fills in masks
if the weights are a masked language model's without a pooler; `.choose` has no text model.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from export import api
from export.cli import (
    checkpoint_flags,
    encoder_flags,
    export_flags,
    preprocessor_flags,
    progress,
    runner,
    text_model_flags,
    tokenizer_flags,
)

_PREPROCESSOR_NAME = flags.DEFINE_string(
    "preprocessor_name",
    None,
    "Name of the folder above the preprocessor's versions. Default: <model_name>_preprocess.",
)
_TEXT_MODEL_NAME = flags.DEFINE_string(
    "text_model_name",
    None,
    "Name of the folder above the text model's versions. Default: <model_name>_text.",
)
_TEXT_MODEL = flags.DEFINE_bool("text_model", True, "Whether to export a text model.")
for module in (
    checkpoint_flags,
    encoder_flags,
    preprocessor_flags,
    text_model_flags,
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
            text_model_name=_TEXT_MODEL_NAME.value,
            text_model=text_model_flags.request() if _TEXT_MODEL.value else None,
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
