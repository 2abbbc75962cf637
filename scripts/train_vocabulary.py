"""Trains a SentencePiece vocabulary with ALBERT's special pieces on your own text.

Prints only the path of the model on stdout:

    model=$(python scripts/train_vocabulary.py --input corpus.txt --output my.model)

Pass the model to `python -m export.encoder` and `python -m export.preprocessor` as --sp_model_file.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import os
import secrets

from absl import flags

from configs import errors
from export.cli import runner
from preprocess.vocabulary import training

_INPUT = flags.DEFINE_multi_string(
    "input",
    None,
    "UTF-8 text file to learn from, one paragraph per line. Repeatable. Required.",
    required=True,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Path of the model to write; existing files are never overwritten. Required.",
    required=True,
)
_VOCAB_SIZE = flags.DEFINE_integer(
    "vocab_size", 30000, "Number of pieces, special pieces included.", lower_bound=1
)
_LOWER_CASE = flags.DEFINE_bool("lower_case", True, "Whether the model is uncased.")


def main() -> None:
    output = _checked_output()
    training.check(_INPUT.value)
    runner.log(f"training {_VOCAB_SIZE.value} pieces on {', '.join(_INPUT.value)}")
    model = training.train(_INPUT.value, vocab_size=_VOCAB_SIZE.value, lower_case=_LOWER_CASE.value)
    _write(output, model)
    print(output)


def _checked_output() -> str:
    if not os.path.basename(_OUTPUT.value):
        raise errors.DestinationError(f"--output must be a file, got {_OUTPUT.value!r}")
    if os.path.lexists(_OUTPUT.value):
        raise errors.DestinationError(f"{_OUTPUT.value!r} exists; it is not overwritten")
    folder = os.path.dirname(_OUTPUT.value) or "."
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
        raise errors.DestinationError(f"--output: {folder!r} is not a folder, or is not writable")
    return _OUTPUT.value


def _write(path: str, content: bytes) -> None:
    """Writes a new file completely or not at all."""
    staging = f"{path}.tmp-{secrets.token_hex(8)}"
    try:
        with open(staging, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(staging, path)  # unlike a rename, fails if the path exists by now
    except FileExistsError as error:
        raise errors.DestinationError(f"{path!r} exists; it is not overwritten") from error
    finally:
        if os.path.exists(staging):
            os.unlink(staging)


if __name__ == "__main__":
    runner.run(main)
