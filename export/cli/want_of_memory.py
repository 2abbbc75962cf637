"""Tells the errors of a process that found no memory from others.

Example:
    if want_of_memory.is_cause(error):
        print(want_of_memory.message(error))

Python raises `MemoryError`, the system `ENOMEM`, TensorFlow `ResourceExhaustedError` (which it also
raises for a full disk), the loader of shared libraries `ImportError`, threads `RuntimeError`, the
interpreter `SystemError`, where C code that found no memory did not say so.
"""

import errno
from collections.abc import Iterator

# What the messages of other errors contain then.
_SIGNS = (
    "OOM when allocating",
    "Failed to allocate memory",
    "Cannot allocate memory",
    "failed to map segment",
    "can't start new thread",
    "std::bad_alloc",
    "without setting an exception",
    "error return without exception set",
)


def is_cause(error: BaseException) -> bool:
    """Says whether an error, or one that it was raised from or during, is for want of memory."""
    return any(_wants_memory(one) for one in _chain(error))


def message(error: BaseException) -> str:
    """Returns a line for the user, with what the error says."""
    said = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return f"there is not enough memory: {said.removesuffix(':')}"


def _wants_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return any(sign in str(error) for sign in _SIGNS)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
