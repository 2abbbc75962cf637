"""Exports preprocessors for many tests; each export happens once per test run, on first use.

Example:
    loaded = preprocess_artifacts.load("default")
"""

import functools
import pathlib
from typing import Any

import tensorflow_hub as hub

from export.artifacts import preprocessor_artifact
from preprocess.vocabulary import sentencepiece_model, wordpiece_vocabulary
from tests.support import processes, shared_run, word_pieces

# Arguments of `preprocessor_artifact.write` besides the vocabulary.
_DEFAULTS: dict[str, Any] = {
    "tokenization": "hub",
    "lower_case": True,
    "default_seq_length": 128,
}
_CONFIGS: dict[str, dict[str, Any]] = {
    "short": {"default_seq_length": 16},
    "original": {"tokenization": "original"},
    "word_pieces": {},
}


@functools.cache
def directory(name: str) -> str:
    """Returns the directory of a SavedModel: the command's `default`, or a key of `_CONFIGS`."""
    if name == "default":
        return str(processes.exported("export.preprocessor"))
    return str(shared_run.once(f"preprocess/{name}", lambda folder: _write(folder, name)))


def _write(folder: pathlib.Path, name: str) -> pathlib.Path:
    path = folder / "artifact"
    preprocessor_artifact.write(
        str(path),
        vocabulary=(
            wordpiece_vocabulary.read(word_pieces.write(folder))
            if name == "word_pieces"
            else sentencepiece_model.read(None)
        ),
        **{**_DEFAULTS, **_CONFIGS[name]},
    )
    return path


@functools.cache
def load(name: str) -> Any:
    """Returns the loaded SavedModel."""
    return hub.load(directory(name))
