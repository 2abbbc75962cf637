"""A process that loads and checks an artifact before it is published.

Example:
    with load_check_process.LoadCheckProcess() as process:  # starts importing TensorFlow
        write_artifact(directory)
        process.start(directory)
        process.wait()

Objects in the exporter's memory prove nothing about the files.
"""

import os
from typing import Any

from configs import errors
from export.publishing import subprocesses

_CODE = "from export.publishing import load_check; load_check.main()"


class LoadCheckProcess:
    """A context manager for the process: leaving it ends the process."""

    def __init__(self) -> None:
        self._worker = subprocesses.Worker(_CODE)

    def __enter__(self) -> "LoadCheckProcess":
        self._worker.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._worker.__exit__(*exception)

    def start(self, directory: str) -> None:
        """Starts the check of the artifact in `directory`, which must be complete."""
        self._worker.start(os.path.abspath(directory).encode() + b"\n")

    def wait(self) -> None:
        """Waits for the result.

        Raises:
          errors.VerificationError: the artifact has problems, or the process died.
        """
        problem = self._worker.problem()
        if problem:
            raise errors.VerificationError(
                f"nothing is published, because the artifact does not load: {problem}"
            )
