"""Rich consoles that also suit logs.

Example:
    console.for_stream(sys.stderr).print("albert_en_tiny/1: exporting")
"""

from typing import TextIO

from rich import console

_LOG_WIDTH = 200  # characters, for tables; other lines are not wrapped


def for_stream(stream: TextIO) -> console.Console:
    """Returns a console that shows text as it is, without markup, emoji or highlighting."""
    width = None if stream.isatty() else _LOG_WIDTH
    return console.Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
