"""Says on stderr how far long work has come: a bar on a terminal, plain lines in a log.

Example:
    with progress.Progress("reading weights", total=entries) as report:
        for entry in work:
            report.advance(entry.size)
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from rich import progress

from export.cli import console

_LOG_STEPS = 4  # lines that a log gets, besides the first


class Progress:
    """Reports a share of `total`, which is in any unit; from several threads, if need be."""

    def __init__(self, label: str, *, total: int, stream: TextIO | None = None) -> None:
        """Reports nothing yet.

        Args:
          label: what is being done.
          total: the amount of work, in any unit.
          stream: where to write; None for stderr.
        """
        self._console = console.for_stream(stream or sys.stderr)
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._bar.add_task(label, total=max(total, 1))
        (self._task,) = self._bar.tasks
        self._logged = -1
        self._lock = threading.Lock()

    def __enter__(self) -> "Progress":
        self._bar.start()
        self.advance(0)
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()

    def advance(self, amount: int = 1) -> None:
        """Adds to what is done."""
        self._bar.advance(self._task.id, amount)
        step = int(self._task.percentage * _LOG_STEPS / 100)
        with self._lock:
            if step != self._logged and not self._console.is_terminal:
                self._logged = step
                self.log(f"{self._task.description}: {self._task.percentage:.0f}%")

    def log(self, line: str) -> None:
        """Writes a line, above the bar where there is one."""
        self._console.print(line, soft_wrap=True)


@contextlib.contextmanager
def callback(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function of the work done and of all the work, which reports from its first call."""
    with contextlib.ExitStack() as stack:
        report: Progress | None = None
        reported = 0

        def on_progress(done: int, total: int) -> None:
            nonlocal report, reported
            report = report or stack.enter_context(Progress(label, total=total))
            report.advance(done - reported)
            reported = done

        yield on_progress
