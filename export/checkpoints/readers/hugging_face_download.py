"""Brings a model from the Hugging Face hub, or from its cache, through `huggingface_hub`.

    directory, repository = hugging_face_download.download("hf://albert/albert-large-v2@main")

The library's cache and environment (HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE) hold; it shows
its own progress bar. Only what is needed is fetched: safetensors where there are any, and of
sentence-transformers the parts that `modules.json` names.
"""

import functools
import glob
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from configs import errors
from export.checkpoints.readers import hugging_face, lora_adapter
from export.checkpoints.readers import sentence_transformers_modules as modules
from preprocess.vocabulary import finding

_URI = re.compile(r"hf://(?P<name>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?", re.ASCII)
_SCHEME = "hf://"
_COMPANIONS = (
    *("config.json", "albert_config.json", lora_adapter.CONFIG),
    *finding.FILES,
    *modules.SETTINGS,
)
# Weights in the order of preference; the first that are there are taken.
_WEIGHTS = (
    ["model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors"],
    ["model.weights.h5", "task.weights.h5", "task.json"],
    ["pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"],
    ["tf_model.h5"],
)
_DENSE_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


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
    snapshot = functools.partial(_snapshot, huggingface_hub, uri, name)
    directory = snapshot(revision, [modules.FILE])
    commit = os.path.basename(directory)
    parts = modules.read(directory) or ()
    folders = ["", *(part.folder for part in parts if part.is_transformer)]
    companions = _patterns(folders, _COMPANIONS)
    companions += [modules.MODEL_CONFIG] if parts else []
    companions += _patterns([part.folder for part in parts], [modules.MODULE_CONFIG])
    for names in _WEIGHTS:
        patterns = _patterns(folders, names)
        snapshot(commit, [*companions, *patterns])
        if _has(directory, folders, names):
            break
    else:
        raise errors.CheckpointError(
            f"{uri!r} has none of the weights that can be read: "
            + ", ".join([*hugging_face.WEIGHTS, "model.weights.h5"])
        )
    _fetch_dense(functools.partial(snapshot, commit), directory, parts)
    return directory, f"{name}@{commit}"


def _fetch_dense(
    fetch: Callable[[list[str]], str], directory: str, parts: Sequence[modules.Module]
) -> None:
    """Brings the weights of dense layers of sentence-transformers, each in one format."""
    folders = [part.folder for part in parts if part.kind == modules.DENSE and part.folder]
    for file in _DENSE_WEIGHTS:
        if folders:
            fetch(_patterns(folders, [file]))
        folders = [folder for folder in folders if not _has(directory, [folder], [file])]


def _patterns(folders: Sequence[str], names: Sequence[str]) -> list[str]:
    """Returns what names of files in folders match, whose own names are no patterns."""
    starts = [f"{glob.escape(folder)}/" if folder else "" for folder in dict.fromkeys(folders)]
    return [start + name for start in starts for name in names]


def _has(directory: str, folders: Sequence[str], names: Sequence[str]) -> bool:
    paths = [os.path.join(directory, folder, name) for folder in folders for name in names]
    return any(map(os.path.exists, paths))


def _snapshot(library: Any, uri: str, name: str, revision: str | None, patterns: list[str]) -> str:
    try:
        return library.snapshot_download(name, revision=revision, allow_patterns=patterns)
    except Exception as error:  # the library's errors, its HTTP client's and the system's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise errors.CheckpointError(
            f"{uri!r} cannot be had from the Hugging Face hub ({type(error).__name__}): {reason}"
        ) from error
