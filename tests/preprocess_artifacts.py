"""Exported preprocessors that many tests load; each is exported once a run, when first asked for.

loaded = preprocess_artifacts.load("default")
"""

import functools
import os
import tempfile
from typing import Any

import tensorflow_hub as hub

from export import preprocessor_artifact
from preprocess import sentencepiece_model

# What `preprocessor_artifact.write` is called with, beside the vocabulary.
_DEFAULTS: dict[str, Any] = {
    "tokenization": "hub",
    "lower_case": True,
    "default_seq_length": 128,
}
_CONFIGS: dict[str, dict[str, Any]] = {
    "default": {},
    "short": {"default_seq_length": 16},
    "original": {"tokenization": "original"},
}
_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def directory(name: str) -> str:
    """Returns the SavedModel's folder."""
    path = os.path.join(_FOLDER.name, name)
    preprocessor_artifact.write(
        path, sp_model=sentencepiece_model.read(None), **{**_DEFAULTS, **_CONFIGS[name]}
    )
    return path


@functools.cache
def load(name: str) -> Any:
    """Returns the loaded SavedModel."""
    return hub.load(directory(name))
