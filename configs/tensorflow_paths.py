"""Paths at which TensorFlow finds a checkpoint, such as the variables of a SavedModel.

Example:
    tensorflow_paths.check_source("albert_large/model.ckpt-best", what="checkpoint")
    tensorflow_paths.check_destination("continued", what="--output_dir")

TensorFlow takes the path of a checkpoint that it reads for a pattern, in which `[1]` stands for `1`
and a backslash for nothing. So it writes below `model [1]`, and does not find what it wrote.
"""

import os

from configs import errors

# `*` and `?` match themselves, too, and braces have no meaning.
_OF_PATTERNS = "[\\"


def check_source(path: str, *, what: str) -> None:
    """Checks that TensorFlow finds what is at a path.

    Args:
      path: the one that TensorFlow gets.
      what: is there, or the flag that named it, for the message.

    Raises:
      errors.CheckpointError: it does not.
    """
    _check(path, what=what, error_type=errors.CheckpointError)


def check_destination(path: str, *, what: str) -> None:
    """Checks that TensorFlow finds what will be at a path, also by the path from the root.

    Args:
      path: of a folder to write.
      what: the flag that named it, for the message.

    Raises:
      errors.DestinationError: it does not.
    """
    _check(os.path.abspath(path), what=what, error_type=errors.DestinationError)


def _check(path: str, *, what: str, error_type: type[errors.InputError]) -> None:
    for character in _OF_PATTERNS:
        if character in path:
            raise error_type(
                f"{what} must not have '{character}' in its path, which TensorFlow reads as a "
                f"pattern, got {path!r}"
            )
