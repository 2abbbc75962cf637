"""Says on stderr how far a release has come: a bar on a terminal, lines in a log, a table at last.

with reporting.Report(total=3) as report:
    report.log("albert_en_tiny/1: exporting")
    report.advance()
"""

import sys
import types

from rich import console, progress

_LOG_WIDTH = 200  # characters; a log has no edge to fold lines at


class Report:
    """How far a release has come. Its methods may be called from several threads."""

    def __init__(self, *, total: int) -> None:
        """Reports nothing yet.

        Args:
          total: the number of models.
        """
        self._console = stderr()
        self._progress = progress.Progress(
            progress.TextColumn("releasing"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("releasing", total=total)

    def __enter__(self) -> "Report":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._progress.stop()

    def log(self, line: str) -> None:
        """Writes a line, above the bar where there is one."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def advance(self) -> None:
        """One more model is done."""
        self._progress.advance(self._task)


def stderr() -> console.Console:
    """Returns stderr as rich sees it, wide enough for the table in a log."""
    width = None if sys.stderr.isatty() else _LOG_WIDTH
    return console.Console(file=sys.stderr, width=width)
