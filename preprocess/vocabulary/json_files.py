"""Reads JSON files beside weights, without TensorFlow.

settings = json_files.read("tokenizer_config.json")
"""

import os
from typing import Any

from configs import errors, strangers_files

Json = dict[str, Any]


def read(path: str) -> Json:
    """Returns the JSON object in a file.

    Raises:
      errors.VocabularyError: it cannot be read, or holds anything else.
    """
    try:
        with open(path, encoding="utf-8", opener=strangers_files.opener) as file:
            return parse(file.read(), path=path)
    except (OSError, UnicodeDecodeError) as error:
        raise errors.VocabularyError(f"{path!r} cannot be read: {error}") from error


def beside(directory: str, name: str) -> Json:
    """Returns the JSON object in a file of a directory, nothing without the file; as `read`."""
    path = os.path.join(directory, name)
    return read(path) if os.path.isfile(path) else {}


def parse(text: str | bytes, *, path: str) -> Json:
    """Returns the JSON object in a text; as `read`, with a path that names it."""
    try:
        values = strangers_files.parse_json(text)
    except ValueError as error:
        raise errors.VocabularyError(f"{path!r} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise errors.VocabularyError(f"{path!r} is not a JSON object")
    return values
