"""Ends a command that is interrupted before it runs, while it imports, in one line.

Example:
    if __name__ == "__main__":
        from export.cli import early_interrupts

        early_interrupts.end_in_one_line()  # before all other imports

Nothing is begun then, so there is nothing to clean up. `runner` takes over.
"""

import os
import signal
import sys

STATUS = 128 + signal.SIGINT


def end_in_one_line() -> None:
    """Makes SIGINT end this process at once: an import might catch an exception."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as by nohup
        signal.signal(signal.SIGINT, _end)


def say() -> None:
    """Prints the last line of a command that was interrupted."""
    print("error: interrupted", file=sys.stderr, flush=True)


def _end(*_: object) -> None:
    say()
    os._exit(STATUS)
