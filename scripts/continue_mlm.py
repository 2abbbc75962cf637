"""Continues the pre-training of an exported encoder on your own text.

    python -m scripts.continue_mlm --encoder exports/albert_en_large/1 \\
        --preprocessor exports/albert_en_preprocess/1 --text_file corpus.txt --output_dir continued
    python -m export.encoder --checkpoint continued --model_name albert_en_large_mine

Prints `--output_dir`, which then has the encoder with the new weights. The text has one passage per
line; long passages are split into rows, so that no text is lost. Whole words are masked, in n-grams
of up to three words, as ALBERT's authors did.

With --sop the order of segments is predicted, too, if the encoder has `.sop`. The text then has one
sentence per line, and blank lines between documents. From random weights, on many files, so that
the same command goes on after it was killed:

    python -m export.encoder --config base --new_head sop --model_name untrained
    python -m scripts.continue_mlm --encoder exports/untrained/1 \\
        --preprocessor exports/albert_en_preprocess/1 --text_file 'corpus/*.txt' --sop \\
        --num_steps 100000 --batch_size 256 --checkpoint_dir checkpoints \\
        --tensorboard_dir summaries --output_dir pretrained

On several machines, start it on each with TF_CONFIG: see docs/how-to/pretrain.md.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import os
import sys
from typing import TYPE_CHECKING

from absl import flags

from configs import errors, tensorflow_paths
from export.cli import runner, trust_flag

if TYPE_CHECKING:
    from scripts.pretraining.settings import Settings

_ENCODER = flags.DEFINE_string("encoder", None, "Folder of an exported encoder with `.mlm`.")
_PREPROCESSOR = flags.DEFINE_string("preprocessor", None, "Folder of its exported preprocessor.")
_TEXT_FILE = flags.DEFINE_multi_string(
    "text_file", None, "Path or glob of text in UTF-8, one passage per line. Repeatable."
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to write; must not exist.")
flags.mark_flags_as_required([_ENCODER, _PREPROCESSOR, _TEXT_FILE, _OUTPUT_DIR])
_SOP = flags.DEFINE_bool(
    "sop",
    False,
    "Whether to train `.sop`, too: to tell two segments of a document in their order from swapped "
    "ones. The text then has one sentence per line, and blank lines between documents.",
)
_NUM_STEPS = flags.DEFINE_integer("num_steps", 1000, "Steps to train.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Rows per step.", lower_bound=1)
_SEQ_LENGTH = flags.DEFINE_integer("seq_length", 128, "Tokens per row.", lower_bound=8)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-4, "The highest.", lower_bound=0.0)
_WARMUP = flags.DEFINE_float(
    "warmup",
    0.1,
    "Share of the steps in which the learning rate rises. It falls in a straight line to 0.",
    lower_bound=0.0,
    upper_bound=1.0,
)
_WEIGHT_DECAY = flags.DEFINE_float("weight_decay", 0.01, "AdamW's.", lower_bound=0.0)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the order of the text, of masking and of swapping.", lower_bound=0
)
_CHECKPOINT_DIR = flags.DEFINE_string(
    "checkpoint_dir",
    None,
    "Folder of checkpoints: a new one, or that of a killed run, which goes on from its last "
    "checkpoint. Default: no checkpoints.",
)
_SAVE_EVERY = flags.DEFINE_integer(
    "save_every", 1000, "Steps between two checkpoints.", lower_bound=1
)
_TENSORBOARD_DIR = flags.DEFINE_string(
    "tensorboard_dir", None, "Folder of summaries for TensorBoard. Default: no summaries."
)
flags.adopt_module_key_flags(trust_flag)


@trust_flag.applied()
def main() -> None:
    settings = _settings()
    output_dir, checkpoint_dir = _OUTPUT_DIR.value, _CHECKPOINT_DIR.value
    if not output_dir or os.path.lexists(output_dir):
        raise errors.DestinationError(f"--output_dir must be a new folder, got {output_dir!r}")
    for flag in (_OUTPUT_DIR, _CHECKPOINT_DIR):
        if flag.value:
            tensorflow_paths.check_destination(flag.value, what=f"--{flag.name}")
    for notice in settings.check():
        runner.log(notice)
    if checkpoint_dir:
        settings.claim(checkpoint_dir)

    from scripts.pretraining import training

    places = training.Places(
        output_dir=output_dir,
        checkpoint_dir=checkpoint_dir,
        save_every=_SAVE_EVERY.value,
        tensorboard_dir=_TENSORBOARD_DIR.value,
    )
    training.run(settings, places, log=runner.log)
    print(output_dir)


def _settings() -> "Settings":
    from scripts.pretraining import settings

    return settings.Settings(
        encoder=_existing(_ENCODER),
        preprocessor=_existing(_PREPROCESSOR),
        text_files=settings.find_texts(_TEXT_FILE.value or []),
        sop=_SOP.value,
        num_steps=_NUM_STEPS.value,
        batch_size=_BATCH_SIZE.value,
        seq_length=_SEQ_LENGTH.value,
        learning_rate=_LEARNING_RATE.value,
        warmup=_WARMUP.value,
        weight_decay=_WEIGHT_DECAY.value,
        seed=_SEED.value,
    )


def _existing(flag: flags.FlagHolder) -> str:
    if not os.path.exists(flag.value):
        raise errors.InputError(f"--{flag.name} must exist, got {flag.value!r}")
    tensorflow_paths.check_source(flag.value, what=f"--{flag.name}")
    return flag.value


if __name__ == "__main__":
    # It may be run by its path: python scripts/continue_mlm.py
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    runner.run(main, gpu=True)
