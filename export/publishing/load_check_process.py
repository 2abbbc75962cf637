"""Another process that loads an artifact and tries it, before it is published.

Example:
    with load_check_process.LoadCheckProcess() as process:  # starts importing TensorFlow
        write_artifact(directory)
        process.start(directory)
        process.wait()

What the exporting process has in memory proves nothing about the files. The other process is
started early, so that it imports TensorFlow while this one makes the artifact. It ends with this
process, however that ends: it reads the folder's name from a pipe, which then closes.
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
    """The other process.

    A context manager: leaving it ends the process.
    """

    def __enter__(self) -> "LoadCheckProcess":
        self._stderr = tempfile.TemporaryFile()  # a pipe that is not read could fill up
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=subprocesses.environment(),
            # Of its own, so that Ctrl-C reaches this process alone, which ends the other.
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()

    def start(self, directory: str) -> None:
        """Lets the process load the artifact in `directory`, which must be complete."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it ended; `wait` says why
            self._process.stdin.write(os.path.abspath(directory).encode() + b"\n")
            self._process.stdin.flush()

    def wait(self) -> None:
        """Returns when the process found nothing wrong.

        Raises:
          errors.VerificationError: with what it found wrong, or that it died.
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
        return f"the process that tried it ended with status {status}{last}"
