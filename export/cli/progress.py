"""Reports progress on stderr: a bar on a terminal, plain lines in a log.

Example:
    with progress.Progress("reading weights", total=num_bytes) as bar:
        for entry in work:
            bar.advance(entry.size)
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from rich import progress

from export.cli import console

_LOG_STEPS = 4  # lines in a log, besides the first


class Progress:
    """A context manager that reports the share of work done. Thread-safe.

    Args:
      label: name of the work.
      total: the amount of work, in any unit.
      stream: where to write; None for stderr.
    """

    def __init__(self, label: str, *, total: int, stream: TextIO | None = None) -> None:
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
        """Adds to the work done."""
        self._bar.advance(self._task.id, amount)
        step = int(self._task.percentage * _LOG_STEPS / 100)
        with self._lock:
            if step != self._logged and not self._console.is_terminal:
                self._logged = step
                self.log(f"{self._task.description}: {self._task.percentage:.0f}%")

    def log(self, line: str) -> None:
        """Writes a line, above the bar if there is one."""
        self._console.print(line, soft_wrap=True)


@contextlib.contextmanager
def callback(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function of the work done and the total; its first call starts the report."""
    with contextlib.ExitStack() as stack:
        bar: Progress | None = None
        reported = 0

        def on_progress(done: int, total: int) -> None:
            nonlocal bar, reported
            bar = bar or stack.enter_context(Progress(label, total=total))
            bar.advance(done - reported)
            reported = done

        yield on_progress
