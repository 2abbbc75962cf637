"""A process that loads and checks an artifact before it is published.

Example:
    with load_check_process.LoadCheckProcess() as process:  # starts importing TensorFlow
        write_artifact(directory)
        process.start(directory)
        process.wait()

Objects in the exporter's memory prove nothing about the files. The process starts early, so that it
imports TensorFlow while the exporter writes the artifact. It ends when the exporter ends or is
killed, because the pipe from which it reads the folder's name then closes.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from typing import Any

from configs import errors
from export.publishing import subprocesses

_CODE = "from export.publishing import load_check; load_check.main()"


class LoadCheckProcess:
    """A context manager for the process: leaving it ends the process."""

    def __enter__(self) -> "LoadCheckProcess":
        self._stderr = tempfile.TemporaryFile()  # an unread pipe could fill up
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=subprocesses.environment(),
            # Ctrl-C must reach the exporter alone, which then ends this process.
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()

    def start(self, directory: str) -> None:
        """Starts the check of the artifact in `directory`, which must be complete."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # the process ended; `wait` says why
            self._process.stdin.write(os.path.abspath(directory).encode() + b"\n")
            self._process.stdin.flush()

    def wait(self) -> None:
        """Waits for the result.

        Raises:
          errors.VerificationError: the artifact has problems, or the process died.
        """
        assert self._process.stdout
        answer = self._process.stdout.readline().decode(errors="replace")
        if answer == "\n":
            return
        problem = answer.strip() or self._death()
        raise errors.VerificationError(
            f"nothing is published, because the artifact does not load: {problem}"
        )

    def _death(self) -> str:
        status = self._process.wait()
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        last = f": {lines[-1]}" if lines else ""
        return f"the process that checked it ended with status {status}{last}"
