"""Finds out on which side a tokenizer of transformers cuts long texts, without TensorFlow.

truncation_side.left("checkpoint")  # "checkpoint/tokenizer_config.json" if it says left
"""

import os
from collections.abc import Mapping

from preprocess.vocabulary import json_files, tokenizer_config

_TOKENIZER = "tokenizer.json"
_LEFT = "left"


def left(directory: str) -> str | None:
    """Returns the file in a directory that says that long texts are cut on the left; None if none.

    As transformers has it, the last user's `truncation` in `tokenizer.json` counts where the
    settings do not say.

    Raises:
      errors.VocabularyError: a file cannot be read.
    """
    path = os.path.join(directory, tokenizer_config.CONFIG)
    settings = json_files.read(path) if os.path.isfile(path) else {}
    if (side := settings.get("truncation_side")) is not None:
        return path if side == _LEFT else None
    path = os.path.join(directory, _TOKENIZER)
    last = json_files.read(path).get("truncation") if os.path.isfile(path) else None
    is_left = isinstance(last, Mapping) and str(last.get("direction")).lower() == _LEFT
    return path if is_left else None
