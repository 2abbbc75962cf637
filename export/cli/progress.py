"""Says how far long work has come: a bar on a terminal, plain lines in a log. On stderr.

with progress.Progress("reading weights", total=entries) as report:
    for entry in work:
        report.advance(entry.size)
"""

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import TextIO

from rich import console, progress

_LOG_STEPS = 4  # lines that a log gets, besides the first


@contextlib.contextmanager
def callback(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function of the work done and of all the work, which reports from its first call."""
    with contextlib.ExitStack() as stack:
        shown: list[Progress] = []

        def on_progress(done: int, total: int) -> None:
            if not shown:
                shown.append(stack.enter_context(Progress(label, total=total)))
            shown[0].advance(done - shown[0].done)

        yield on_progress


class Progress:
    """Reports a share of `total`, which is in any unit.

    Attributes:
      done: the amount of work that was reported.
    """

    def __init__(self, label: str, *, total: int, stream: TextIO | None = None) -> None:
        """Reports nothing yet.

        Args:
          label: what is being done.
          total: the amount of work, in any unit.
          stream: where to write; None for stderr.
        """
        self._label = label
        self._total = max(total, 1)
        self._console = console.Console(file=stream, stderr=True)
        self.done = 0
        self._logged = -1
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(label, total=self._total)

    def __enter__(self) -> "Progress":
        self._bar.start()
        self._log()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._bar.stop()

    def advance(self, amount: int) -> None:
        """Adds to what is done."""
        self.done += amount
        self._bar.advance(self._task, amount)
        self._log()

    def _log(self) -> None:
        share = min(self.done / self._total, 1.0)
        step = int(share * _LOG_STEPS)
        if step != self._logged and not self._console.is_terminal:
            self._logged = step
            self._console.print(f"{self._label}: {share:.0%}", highlight=False)
