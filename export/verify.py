"""Verifies a SavedModel: that it keeps the contract, and that it computes what its checkpoint does.

    python -m export.verify exports/albert_en_large/1
    python -m export.verify exports/albert_en_large/1 --checkpoint albert_large --report page.html

The first checks any encoder or preprocessor SavedModel, whoever made it. The second also compares
every weight bit by bit, and every output and layer with what an engine that is not ours computes
from the checkpoint. Prints a table; exits with 1 if anything does not hold.
"""

import os
import sys

from absl import flags

from configs import errors
from export.checkpoints import opening
from export.cli import checkpoint_flags, console, runner
from export.metadata import checksums, manifest

_REPORT = flags.DEFINE_string("report", None, "File to write a page of HTML to.")
flags.adopt_module_key_flags(checkpoint_flags)


def main(artifact: str) -> None:
    if checksums.exists(artifact) or os.path.lexists(os.path.join(artifact, manifest.FILE)):
        # Before anything is parsed that may be damaged.
        damages = checksums.problems(artifact)
        if damages:
            raise errors.VerificationError(errors.listing(f"{artifact!r} is damaged", damages))
    if not os.path.isfile(os.path.join(artifact, "saved_model.pb")):
        raise errors.CheckpointError(f"{artifact!r} is not the directory of a SavedModel")
    checkpoint = None
    if checkpoint_flags.CHECKPOINT.value is not None:
        checkpoint = opening.open(
            checkpoint_flags.CHECKPOINT.value,
            checkpoint_format=checkpoint_flags.CHECKPOINT_FORMAT.value,
        )
    from export.verification import (
        verification,  # leads to TensorFlow: only after all is checked
    )

    result = verification.verify(
        artifact, checkpoint=checkpoint, config=checkpoint_flags.CONFIG.value
    )
    result.show(console.for_stream(sys.stdout))
    if _REPORT.value is not None:
        with open(_REPORT.value, "w", encoding="utf-8") as file:
            file.write(result.page(title=artifact))
    if result.problems:
        runner.fail(f"{artifact}: {'; '.join(result.problems)}")


if __name__ == "__main__":
    runner.run(main, positional=["ARTIFACT"])
