"""The format `huggingface`: what transformers loads, run by it where it and torch are installed.

Example:
    run = hugging_face_format.load("dir", "classify")
    outputs = run(inputs)  # {"logits": ...}

`export.conversion.hugging_face.folder` writes and verifies such a folder.
"""

import importlib.util
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import numpy as np

from configs import errors, hub_api
from export.checkpoints import opening, weight_table
from export.verification import transformers_albert

_RUNTIME = ("transformers", "torch")


def is_run() -> bool:
    """Returns whether `load` can run what is written."""
    return all(importlib.util.find_spec(name) for name in _RUNTIME)


def load(
    directory: str, signature: str
) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns what runs a signature in transformers, from inputs by name to outputs by name."""
    checkpoint = opening.open(directory, checkpoint_format=weight_table.HUGGING_FACE)
    model = transformers_albert.load(checkpoint)
    if model is None:
        raise errors.VerificationError("transformers does not load all of it")

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        is_choice = signature == hub_api.CHOOSE
        rows = {name: array[0] if is_choice else array for name, array in inputs.items()}
        outputs = transformers_albert.encode(model, rows, sop=signature == hub_api.SOP)
        return {name.removeprefix(f"{signature}."): array for name, array in outputs.items()}

    return run


def manifest_entries() -> dict[str, Any]:
    """Returns what a manifest records of the format."""
    packages = ("safetensors", "tokenizers", *(_RUNTIME if is_run() else ()))
    return {"runtime": {package: metadata.version(package) for package in packages}}
