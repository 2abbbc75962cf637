"""Runs the project's commands, each in a fresh process, from several threads; none outlives us.

Example:
    with command_runner.CommandRunner(lock=descriptor, log=print) as commands:
        path = commands.run("export.encoder", "--config=tiny", log_prefix="albert_en_tiny")
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from configs import errors
from export.publishing import subprocesses


class CommandRunner:
    """The processes that run.

    A context manager: leaving it kills them, and starts no others.
    """

    def __init__(self, *, lock: int, log: Callable[[str], None]) -> None:
        """Runs nothing yet.

        Args:
          lock: descriptor of a locked file. The processes keep it open as long as they live: should
            this one be killed, whoever waits for the lock waits for them too.
          log: is told what a process said, when it is done.
        """
        self._lock_descriptor = lock
        self._log = log
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    def __enter__(self) -> "CommandRunner":
        return self

    def __exit__(self, *_: Any) -> None:
        with self._guard:
            self._closed = True
            for process in self._running:
                process.kill()

    def run(self, module: str, *arguments: str, log_prefix: str) -> str:
        """Runs `python -m module arguments`.

        Args:
          module: the command.
          arguments: its.
          log_prefix: the name of a model. Lines on stderr that begin with it are logged; those of
            the libraries are not.

        Returns:
          The one line on its stdout, or the last of several.

        Raises:
          errors.ReleaseError: it failed, with its own last line.
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
                env=subprocesses.environment(),
                pass_fds=[self._lock_descriptor],
            )
            self._running.add(process)
        stdout, stderr = process.communicate()
        with self._guard:
            self._running.discard(process)
        lines = stderr.splitlines()
        if process.returncode:
            last = lines[-1].removeprefix("error: ") if lines else "it said nothing"
            raise errors.ReleaseError(f"{module} failed (status {process.returncode}): {last}")
        for line in lines:
            if line.startswith(f"{log_prefix}: "):
                self._log(line)
        return stdout.splitlines()[-1]
