"""Errors that the user can fix.

Every error caused by bad input derives from `InputError`, and its message alone tells the user what
to do. The commands print it as their last line (`error: ...`) and exit with status 1. Any other
exception is a bug and keeps its traceback.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")
_LONGEST, _END = 8000, 2000  # characters of a message, and of its end


class InputError(ValueError):
    """An input cannot be used; the message says which, and what is expected.

    A message quotes files, whose names and values may be of any length, so its middle is left out
    where it is longer than a screen can show.
    """

    def __str__(self) -> str:
        message = super().__str__()
        if len(message) <= _LONGEST:
            return message
        start, end = message[: _LONGEST - _END], message[-_END:]
        return f"{start} ... ({len(message) - _LONGEST} characters more) ... {end}"


class ConfigError(InputError):
    """A configuration is missing, malformed or inconsistent."""


class VocabularyError(InputError):
    """A SentencePiece model or vocabulary file is missing, malformed or does not fit."""


class CheckpointError(InputError):
    """A checkpoint cannot be read, or its format is not known."""


class UnsafeModelError(CheckpointError):
    """A SavedModel is not run, because it may do more than compute; the message says what."""


class CheckpointMismatchError(CheckpointError):
    """A checkpoint does not fit the model; the message lists every problem."""


class DestinationError(InputError):
    """The destination cannot be written to."""


class VersionExistsError(DestinationError):
    """The version to write exists; versions are never overwritten."""


class VerificationError(InputError):
    """An artifact is damaged or breaks the contract; the message says how."""


class ReleaseError(InputError):
    """A list of models cannot be used, or some of its models cannot be released."""


def first_line(error: Exception) -> str:
    """Returns the type of a library's error and the first line of its message that says something.

    TensorFlow's begins with "Graph execution error:" and says where, then what, then the node.
    """
    lines = str(error).strip().splitlines() or [""]
    if lines[0].startswith("Graph execution error"):
        lines = [line for line in lines[1:] if line and "{{node" not in line][-1:] or lines
    return f"{type(error).__name__}: {lines[0]}"


def listing(title: str, problems: list[str]) -> str:
    """Returns one line that names every problem: `title: a; b; c`."""
    return f"{title}: " + "; ".join(problems)


def attempt(make: Callable[[], _T], found: list[InputError]) -> _T | None:
    """Returns what `make` makes; None, and the error in `found`, if it cannot."""
    try:
        return make()
    except InputError as error:
        found.append(error)
        return None


def combined(found: Sequence[InputError]) -> InputError:
    """Returns one error that says what all of them say; `found` is not empty."""
    if len(found) == 1:
        return found[0]
    title = f"{len(found)} things do not fit"
    return CheckpointMismatchError(listing(title, [str(one) for one in found]))
