"""How the functions of the API tell their caller something.

Example:
    notices.tell(print, "albert_en_tiny", spec.notices())
"""

from collections.abc import Callable, Iterable
from typing import Any

Log = Callable[[str], None]
# Takes the number of weights read so far, and their total number.
OnProgress = Callable[[int, int], None]


def ignore(*_: Any) -> None:
    """Does nothing."""


def tell(log: Log, model_name: str, lines: Iterable[str]) -> None:
    """Calls `log` with each line, headed by the model's name."""
    for line in lines:
        log(f"{model_name}: {line}")
