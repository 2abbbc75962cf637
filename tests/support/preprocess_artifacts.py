"""Exported preprocessors that many tests load; each is exported once a run, when first asked for.

loaded = preprocess_artifacts.load("default")
"""

import functools
import os
import pathlib
import tempfile
from typing import Any

import tensorflow_hub as hub

from export.artifacts import preprocessor_artifact
from preprocess.vocabulary import sentencepiece_model, wordpiece_vocabulary
from tests.support import word_pieces

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
    "word_pieces": {},
}
_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def directory(name: str) -> str:
    """Returns the SavedModel's folder."""
    path = os.path.join(_FOLDER.name, name)
    vocabulary = _word_pieces() if name == "word_pieces" else sentencepiece_model.read(None)
    preprocessor_artifact.write(path, vocabulary=vocabulary, **{**_DEFAULTS, **_CONFIGS[name]})
    return path


def _word_pieces() -> wordpiece_vocabulary.WordPieceVocabulary:
    return wordpiece_vocabulary.read(word_pieces.write(pathlib.Path(_FOLDER.name)))


@functools.cache
def load(name: str) -> Any:
    """Returns the loaded SavedModel."""
    return hub.load(directory(name))
