"""Exports a model from text to the answer as one SavedModel: labels, entities, answers, vectors.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.text_model --checkpoint my_classifier --model_name my_classifier_text)
    dir=$(python -m export.text_model --encoder trained --config large --model_name my_text)

`hub.load(dir)(["some text"])["label"]` is the label of a text. What it does is what the fine-tuned
head is for: classify, tag, answer or fill_mask; embed where there is none.
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
    progress,
    runner,
    text_model_flags,
    tokenizer_flags,
    trust_flag,
)

_ENCODER = flags.DEFINE_string(
    "encoder",
    None,
    "Instead of --checkpoint: folder of an exported encoder, also one that was trained and saved "
    "again.",
)
_PREPROCESSOR = flags.DEFINE_string(
    "preprocessor",
    None,
    "Folder of the exported preprocessor of --encoder. Default: the tokenizer that the encoder has "
    "recorded.",
)
for module in (checkpoint_flags, encoder_flags, text_model_flags, tokenizer_flags, export_flags):
    flags.adopt_module_key_flags(module)
flags.adopt_module_key_flags(trust_flag)
flags.mark_flag_as_required(export_flags.MODEL_NAME)


@trust_flag.applied()
def main() -> None:
    with progress.callback("reading weights") as on_progress:
        path = api.export_text_model(
            model_name=str(export_flags.MODEL_NAME.value),
            checkpoint=checkpoint_flags.CHECKPOINT.value,
            encoder=_ENCODER.value,
            preprocessor=_PREPROCESSOR.value,
            text_model=text_model_flags.request(),
            tokenizer=tokenizer_flags.request(),
            **checkpoint_flags.values(),
            **encoder_flags.values() | {"compute_dtype": encoder_flags.COMPUTE_DTYPE.value},
            **export_flags.destination(),
            log=runner.log,
            on_progress=on_progress,
        )
    print(path)


if __name__ == "__main__":
    runner.run(main)
