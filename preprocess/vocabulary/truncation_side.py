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
    name = tokenizer_config.CONFIG
    side = json_files.beside(directory, name).get("truncation_side")
    if side is None:
        name = _TOKENIZER
        last = json_files.beside(directory, name).get("truncation")
        side = str(last.get("direction")).lower() if isinstance(last, Mapping) else None
    return os.path.join(directory, name) if side == _LEFT else None
