"""`assets.extra/manifest.json`: the kind of an artifact, its inputs and its toolchain.

Without time, host, path or version number, the same inputs give the same bytes.
"""

import json
import os
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import configs
from configs import errors, strangers_files

# Kinds of artifact.
ENCODER = "encoder"
PREPROCESSOR = "preprocessor"
EMBEDDER = "embedder"
TEXT_MODEL = "text_model"
CONVERSION = "conversion"

FILE = os.path.join("assets.extra", "manifest.json")

_POSITIONS = "max_position_embeddings"
# The types of the entries that are read, whatever the kind of artifact.
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "artifact": str,
    "task": str,
    "config": dict,
    "compute_dtype": str,
    "default": str,
    "heads": list,
    "labels": (dict, list),  # a text model's are a list
    "weights": dict,
    "toolchain": dict,
    "made_from": dict,
    "tokenizer": (dict, type(None)),
    "tokenization": str,
    "tokenization_sha256": str,
    "lower_case": bool,
    "keep_accents": bool,
    "language": list,
    "format": str,
    "quantize": str,
    "min_cosine": (int, float),
    "max_answer_length": int,
    "max_seq_length": int,
    "long_texts": str,
    "pooling": str,
    "normalize": bool,
    "signatures": (dict, list),
    "source_sha256": str,
}

# Of a tokenizer's entries, those that are not strings.
_TOKENIZER_TYPES: Mapping[str, type] = {"rows_without_piece": int}


def write(directory: str, *, artifact: str, entries: Mapping[str, Any]) -> None:
    """Writes the manifest of the artifact in `directory`.

    Args:
      directory: root of the SavedModel.
      artifact: one of the kinds above.
      entries: all other entries, as JSON values.
    """
    packages = ("tensorflow", "tensorflow-text", "numpy")
    toolchain = {package: metadata.version(package) for package in packages}
    toolchain["albert-hub-export"] = configs.__version__
    _write(directory, {"artifact": artifact, "toolchain": toolchain, **entries})


def add(directory: str, entries: Mapping[str, Any]) -> None:
    """Adds entries to the manifest of the artifact in `directory`."""
    _write(directory, {**read(directory), **entries})


def _write(directory: str, content: Mapping[str, Any]) -> None:
    path = os.path.join(directory, FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, sort_keys=True)
        file.write("\n")


def sample_text(directory: str, words: int = 1) -> str:
    """Returns a text that a text model accepts: one that fills masks wants exactly one."""
    mask = read(directory).get("mask")
    return " ".join([*([mask] if mask else []), *["word"] * words])


def read(directory: str) -> dict[str, Any]:
    """Returns the manifest of the artifact in `directory`; empty if it has none.

    Raises:
      errors.CheckpointError: it cannot be read.
    """
    path = os.path.join(directory, FILE)
    try:
        with open(path, "rb", opener=strangers_files.opener) as file:
            return parse(file.read(), path=path)
    except FileNotFoundError:
        return {}


def parse(encoded: bytes, *, path: str) -> dict[str, Any]:
    """Returns the manifest that a file has; `path` is for the error, which is that of `read`."""
    try:
        content = strangers_files.parse_json(encoded.decode())
    except ValueError as error:
        raise errors.CheckpointError(f"{path!r} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise errors.CheckpointError(f"{path!r} is not a JSON object")
    wrong = _wrong_entries(content)
    if wrong:
        raise errors.CheckpointError(
            errors.listing(f"{path!r} has entries of another type than manifests have", wrong)
        )
    return content


def _wrong_entries(content: Mapping[str, Any]) -> list[str]:
    """Returns the names of entries that are not of their types; of manifests in it as well."""
    wrong = [
        name
        for name, types in _TYPES.items()
        if name in content and not isinstance(content[name], types)
    ]
    tokenizer, heads = content.get("tokenizer"), content.get("heads")
    if isinstance(tokenizer, dict) and not all(
        isinstance(value, _TOKENIZER_TYPES.get(name, str)) for name, value in tokenizer.items()
    ):
        # That of a conversion says how it was compared, in numbers.
        wrong += ["tokenizer"] * (content.get("artifact") != CONVERSION)
    if isinstance(heads, list) and not all(isinstance(head, str) for head in heads):
        wrong.append("heads")
    if content.get("artifact") == ENCODER and not isinstance(content.get("labels", {}), dict):
        wrong.append("labels")
    config = content.get("config")
    if isinstance(config, dict) and not isinstance(config.get(_POSITIONS, 1), int):
        wrong.append(f"config.{_POSITIONS}")
    made_from = content.get("made_from")
    for name, inner in made_from.items() if isinstance(made_from, dict) else ():
        if isinstance(inner, dict) and name in (ENCODER, PREPROCESSOR):
            wrong += [f"{name}.{one}" for one in _wrong_entries(inner)]
    return wrong
