"""Opens and parses files that others may have made: plain files, JSON whose texts can be written.

Example:
    with open(path, encoding="utf-8", opener=strangers_files.opener) as file:
        values = strangers_files.parse_json(file.read())
"""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

from configs import errors

# What Python raises where a value is not of the type, or not in the range, that code takes it for.
_OF_CONTENT = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


def opener(path: str, flags: int) -> int:
    """Opens a file for `open`, at once: opening a pipe would wait for who writes into it.

    Raises:
      OSError: it cannot be opened, or is a pipe or a device. Of a folder `open` says so.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file", path)
    return descriptor


def parse_json(
    text: str | bytes,
    *,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Returns the values in a text; `object_pairs_hook` as in `json.loads`.

    Raises:
      ValueError: it is not JSON, is nested too deep, or has half a character (`\\ud800`), which no
        file could be written with.
    """
    try:
        values = json.loads(text, object_pairs_hook=object_pairs_hook)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    lower = text.lower()
    if (b"\\ud" in lower) if isinstance(lower, bytes) else ("\\ud" in lower):
        try:
            json.dumps(values, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("it has half a character, a lone surrogate") from error
    return values


@contextlib.contextmanager
def reading(what: str, *, error_type: type[errors.InputError]) -> Iterator[None]:
    """Within it, values of unexpected types and sizes become an error that names what is read.

    Files that others made can have any value in any place. Where each may be is checked by the code
    that uses it, with a message of its own; this is for the rest.

    Args:
      what: is read, for the message.
      error_type: of the error.
    """
    try:
        yield
    except errors.InputError:
        raise
    except MemoryError as error:  # a file may say that it has more than there is memory for
        raise error_type(f"{what} cannot be read: there is not enough memory") from error
    except _OF_CONTENT as error:
        raise error_type(
            f"{what} cannot be read: a value in it is not of the kind that belongs there "
            f"({errors.first_line(error)})"
        ) from error
