"""`assets.extra/manifest.json`: the kind of an artifact, its inputs and its toolchain.

Without time, host, path or version number, the same inputs give the same bytes.
"""

import json
import os
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import configs
from configs import errors

# Kinds of artifact.
ENCODER = "encoder"
PREPROCESSOR = "preprocessor"
EMBEDDER = "embedder"
TEXT_MODEL = "text_model"
CONVERSION = "conversion"

FILE = os.path.join("assets.extra", "manifest.json")


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
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise errors.CheckpointError(f"{path!r} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise errors.CheckpointError(f"{path!r} is not a JSON object")
    return content
