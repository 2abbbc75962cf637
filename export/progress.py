"""Says how far long work has come: a bar on a terminal, plain lines in a log. On stderr.

with progress.Progress("reading weights", total=entries) as report:
    for entry in work:
        report.advance(entry.size)
"""

import sys
import types
from typing import TextIO

_WIDTH = 30
_LOG_STEPS = 4  # lines that a log gets, besides the first


class Progress:
    """Reports a share of `total`, which is in any unit."""

    def __init__(self, label: str, *, total: int, stream: TextIO | None = None) -> None:
        """Reports nothing yet.

        Args:
          label: what is being done.
          total: the amount of work, in any unit.
          stream: where to write; None for stderr.
        """
        self._label = label
        self._total = max(total, 1)
        self._stream = stream if stream is not None else sys.stderr
        self._done = 0
        self._shown = -1

    def __enter__(self) -> "Progress":
        self._show()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        if self._stream.isatty():  # whatever comes next starts on a line of its own
            self._stream.write("\n")
            self._stream.flush()

    def advance(self, amount: int) -> None:
        """Adds to what is done."""
        self._done += amount
        self._show()

    def _show(self) -> None:
        share = min(self._done / self._total, 1.0)
        if self._stream.isatty():
            filled = int(share * _WIDTH)
            bar = "#" * filled + "." * (_WIDTH - filled)
            self._stream.write(f"\r{self._label} [{bar}] {share:4.0%}")
        else:
            step = int(share * _LOG_STEPS)
            if step == self._shown:
                return
            self._shown = step
            self._stream.write(f"{self._label}: {share:.0%}\n")
        self._stream.flush()
