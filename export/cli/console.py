"""Streams as rich writes to them: on a terminal as wide as it is, in a log without an edge.

Example:
    console.for_stream(sys.stderr).print("albert_en_tiny/1: exporting")
"""

from typing import TextIO

from rich import console

_LOG_WIDTH = 200  # characters, for tables; other lines are never folded in a log


def for_stream(stream: TextIO) -> console.Console:
    """Returns a console that shows text as it is: no markup, emoji or guessed colors."""
    width = None if stream.isatty() else _LOG_WIDTH
    return console.Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
