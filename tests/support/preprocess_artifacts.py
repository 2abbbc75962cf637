"""Exports preprocessors for many tests; each export happens once per test run, on first use.

Example:
    loaded = preprocess_artifacts.load("default")
"""

import functools
import pathlib
from typing import Any

import tensorflow_hub as hub

from export.artifacts import preprocessor_artifact, tokenizer_choice
from tests.support import processes, shared_run, word_pieces

# Arguments of `write`.
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
    config = dict(_CONFIGS[name])
    seq_length = config.pop("default_seq_length", 128)
    if name == "word_pieces":
        config["vocab_file"] = str(word_pieces.write(folder))
    write(path, default_seq_length=seq_length, **config)
    return path


def write(directory: pathlib.Path | str, *, default_seq_length: int, **said: Any) -> None:
    """Writes a preprocessor with the tokenizer that the fields of a `Request` say."""
    tokenizer = tokenizer_choice.resolve(tokenizer_choice.Request(**said))
    preprocessor_artifact.write(
        str(directory), tokenizer=tokenizer, default_seq_length=default_seq_length
    )


@functools.cache
def load(name: str) -> Any:
    """Returns the loaded SavedModel."""
    return hub.load(directory(name))
