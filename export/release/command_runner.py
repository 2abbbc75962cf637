"""Runs the project's commands, each in a fresh process, from several threads.

Example:
    with command_runner.CommandRunner(lock=descriptor, log=print) as commands:
        path = commands.run("export.encoder", "--config=tiny", log_prefix="albert_en_tiny")
"""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

from configs import errors
from export.publishing import subprocesses


class CommandRunner:
    """A context manager: leaving it kills the running processes and prevents new ones.

    The processes have a folder for temporary files, because those that are killed leave theirs.

    Args:
      lock: descriptor of a locked file, which the processes inherit. If the release is killed, the
        next release waits for them too.
      log: called with lines that a process wrote, after its end.
    """

    def __init__(self, *, lock: int, log: Callable[[str], None]) -> None:
        self._lock_descriptor = lock
        self._log = log
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    def __enter__(self) -> "CommandRunner":
        self._temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        return self

    def __exit__(self, *_: Any) -> None:
        with self._guard:
            self._closed = True
            for process in self._running:
                process.kill()
                process.wait()
        self._temporary.cleanup()

    def run(self, module: str, *arguments: str, log_prefix: str) -> str:
        """Runs `python -m module arguments`.

        Args:
          module: the command.
          arguments: its arguments.
          log_prefix: the name of a model. Only lines on stderr that begin with it are logged.

        Returns:
          The last line on stdout.

        Raises:
          errors.ReleaseError: the command failed; the message has its last line on stderr.
        """
        with self._guard:
            if self._closed:
                raise errors.ReleaseError("interrupted")
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=subprocesses.environment() | {"TMPDIR": self._temporary.name},
                pass_fds=[self._lock_descriptor],
            )
            self._running.add(process)
        stdout, stderr = process.communicate()
        with self._guard:
            self._running.discard(process)
        lines = stderr.splitlines()
        if process.returncode:
            last = lines[-1].removeprefix("error: ") if lines else "no output"
            raise errors.ReleaseError(f"{module} failed (status {process.returncode}): {last}")
        for line in lines:
            if line.startswith(f"{log_prefix}: "):
                self._log(line)
        return stdout.splitlines()[-1]
