"""Python processes that this project starts.

Example:
    subprocess.run([sys.executable, "-m", "export.encoder"], env=subprocesses.environment())
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any


def environment() -> dict[str, str]:
    """Returns this process's environment with the project's root in `PYTHONPATH`."""
    root = str(pathlib.Path(__file__).resolve().parents[2])
    path = filter(None, [root, os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


class Worker:
    """A context manager for a process that does one piece of work; leaving it ends the process.

    It starts early, so that it imports TensorFlow meanwhile, and then reads from stdin what to do.
    It ends when its parent ends or is killed, because the pipe then closes. It has a folder for
    temporary files, because it is killed and leaves them.

    Args:
      code: Python that reads the work from stdin and prints what is wrong with it, on one line,
        which is empty if nothing is.
    """

    def __init__(self, code: str) -> None:
        self._code = code

    def __enter__(self) -> "Worker":
        self._stderr = tempfile.TemporaryFile()  # an unread pipe could fill up
        self._temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-c", self._code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment() | {"TMPDIR": self._temporary.name},
            # Ctrl-C must reach the parent alone, which then ends this process.
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()
        self._temporary.cleanup()

    def start(self, work: bytes) -> None:
        """Sends the work."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # the process ended; `problem` says why
            self._process.stdin.write(work)
            self._process.stdin.flush()

    def problem(self) -> str:
        """Waits, and returns what is wrong with the work, or how the process died."""
        assert self._process.stdout
        answer = self._process.stdout.readline().decode(errors="replace")
        return "" if answer == "\n" else answer.strip() or self._death()

    def _death(self) -> str:
        status = self._process.wait()
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        last = f": {lines[-1]}" if lines else ""
        return f"the process that did it ended with status {status}{last}"
