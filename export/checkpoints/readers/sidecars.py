"""The config and the SentencePiece model that lie beside the weights.

config, path = sidecars.config(directory)
"""

import json
import os
from typing import Any

from configs import albert_config, errors

# google-research/albert's release; Hugging Face and KerasHub.
_CONFIGS = ("albert_config.json", "config.json")
# Hugging Face; google-research/albert's release; KerasHub.
_SP_MODELS = (
    "spiece.model",
    "30k-clean.model",
    os.path.join("assets", "tokenizer", "vocabulary.spm"),
)


def config(directory: str) -> tuple[albert_config.AlbertConfig | None, str | None]:
    """Returns the config in a directory, and its file; None and None without one.

    Raises:
      errors.ConfigError: the file is not a config of ALBERT, or there are two that differ.
    """
    found = [
        (albert_config.load(path), path)
        for path in (os.path.join(directory, name) for name in _CONFIGS)
        if os.path.isfile(path)
    ]
    if not found:
        return None, None
    if len({config for config, _ in found}) > 1:
        raise errors.ConfigError(
            f"{' and '.join(_CONFIGS)} in {directory!r} say different things; remove the wrong one"
        )
    return found[0]


def sp_models(directory: str) -> tuple[str, ...]:
    """Returns the SentencePiece models in a directory."""
    paths = (os.path.join(directory, name) for name in _SP_MODELS)
    return tuple(path for path in paths if os.path.isfile(path))


def read_json(path: str) -> dict[str, Any]:
    """Returns the JSON object in a file.

    Raises:
      errors.CheckpointError: it cannot be read, or holds anything else.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise errors.CheckpointError(f"{path!r} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise errors.CheckpointError(f"{path!r} is not a JSON object")
    return values
