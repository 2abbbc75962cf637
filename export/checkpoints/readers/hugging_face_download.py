"""Brings a model from the Hugging Face hub, or from its cache, through `huggingface_hub`.

    directory, repository = hugging_face_download.download("hf://albert/albert-large-v2@main")

The library's cache and environment (HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE) hold; it shows
its own progress bar. Only what is needed is fetched: safetensors where there are any.
"""

import os
import re
from typing import Any

from configs import errors
from export.checkpoints.readers import hugging_face
from preprocess.vocabulary import finding

_URI = re.compile(r"hf://(?P<name>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?", re.ASCII)
_SCHEME = "hf://"
# The folder of the Transformer in older models of sentence-transformers; newer ones have none.
_FOLDERS = ("", "0_Transformer/")
_COMPANIONS = [
    "modules.json",
    *(
        folder + name
        for folder in _FOLDERS
        for name in ("config.json", "albert_config.json", *finding.FILES)
    ),
]
# Weights in the order of preference; the first that are there are taken.
_WEIGHTS = (
    ["model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors"],
    ["model.weights.h5"],
    ["pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"],
    ["tf_model.h5"],
)


def is_uri(location: str) -> bool:
    """Returns whether a location names a model on the hub."""
    return location.startswith(_SCHEME)


def download(uri: str) -> tuple[str, str]:
    """Brings the files of a model here, unless they are.

    Args:
      uri: `hf://org/name[@revision]`.

    Returns:
      The directory that holds them, and `org/name@commit`.

    Raises:
      errors.CheckpointError: the uri is malformed, huggingface_hub is not installed, or the model
        cannot be had: not found, not accessible, no network, not in the cache when offline.
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise errors.CheckpointError(f"checkpoint {uri!r} must be hf://org/name[@revision]")
    name, revision = match["name"], match["revision"]
    try:
        import huggingface_hub
    except ImportError as error:
        raise errors.CheckpointError(
            f"{uri!r} needs huggingface_hub: pip install huggingface_hub"
        ) from error
    for names in _WEIGHTS:
        patterns = [folder + file for folder in _FOLDERS for file in names]
        directory = _snapshot(huggingface_hub, uri, name, revision, [*_COMPANIONS, *patterns])
        if any(os.path.exists(os.path.join(directory, file)) for file in patterns):
            break
    else:
        raise errors.CheckpointError(
            f"{uri!r} has none of the weights that can be read: "
            + ", ".join([*hugging_face.WEIGHTS, "model.weights.h5"])
        )
    return directory, f"{name}@{os.path.basename(directory)}"


def _snapshot(library: Any, uri: str, name: str, revision: str | None, patterns: list[str]) -> str:
    try:
        return library.snapshot_download(name, revision=revision, allow_patterns=patterns)
    except Exception as error:  # the library's errors, its HTTP client's and the system's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise errors.CheckpointError(
            f"{uri!r} cannot be had from the Hugging Face hub ({type(error).__name__}): {reason}"
        ) from error
