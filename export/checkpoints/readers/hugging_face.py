"""Reads the weights of a Hugging Face model: one file or several, safetensors or torch.

tensors, files = huggingface.read("albert-base-v2/model.safetensors")
"""

import os
from collections.abc import Mapping

from configs import errors
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import safetensors_file, sidecars, torch_file

# As transformers looks for them, in its order.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_BODY = "albert."
_BODY_PARTS = ("embeddings.", "encoder.", "pooler.")


def read(path: str) -> tuple[dict[str, lazy_checkpoint.LazyTensor], tuple[str, ...]]:
    """Returns the tensors by canonical name, and the files they are in.

    Args:
      path: a safetensors file, a torch file, or the index of a sharded model.

    Raises:
      errors.CheckpointError: a file is missing, truncated, corrupted or of another kind, or the
        index and the files disagree.
    """
    if looks_like_index(path):
        tensors, files = _read_shards(path)
    else:
        tensors, files = _read_file(path), (path,)
    return _with_body_prefix(tensors), files


def looks_like(path: str) -> bool:
    """Returns whether a file is one that `read` reads, by its content."""
    start = _start(path)
    return (
        safetensors_file.looks_like(start) or torch_file.looks_like(start) or looks_like_index(path)
    )


def looks_like_index(path: str) -> bool:
    """Returns whether a file is a JSON object: the index of a sharded model, or nothing we read."""
    return _start(path).lstrip().startswith(b"{")


def _start(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(32)


def _read_file(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    if not os.path.isfile(path):
        raise errors.CheckpointError(f"{path!r} does not exist")
    start = _start(path)
    if torch_file.looks_like(start):
        return torch_file.read(path)
    if safetensors_file.looks_like(start):
        return safetensors_file.read(path)
    raise errors.CheckpointError(
        f"{path!r} is neither a safetensors file nor one that torch.save wrote, or it is truncated "
        "or corrupted"
    )


def _read_shards(path: str) -> tuple[dict[str, lazy_checkpoint.LazyTensor], tuple[str, ...]]:
    weight_map = sidecars.read_json(path).get("weight_map")
    if not isinstance(weight_map, Mapping) or not all(
        isinstance(shard, str) and shard == os.path.basename(shard) and shard
        for shard in weight_map.values()
    ):
        raise errors.CheckpointError(f"{path!r} is not the index of a sharded model")
    tensors: dict[str, lazy_checkpoint.LazyTensor] = {}
    problems = []
    files = [os.path.join(os.path.dirname(path), name) for name in sorted({*weight_map.values()})]
    for file in files:
        for name, tensor in _read_file(file).items():
            if weight_map.get(name) != os.path.basename(file):
                problems.append(f"{name} is in {os.path.basename(file)}, which the index denies")
            else:
                tensors[name] = tensor
    problems += [f"{name} is in no file" for name in weight_map if name not in tensors]
    if problems:
        raise errors.CheckpointError(errors.listing(f"{path!r} does not fit its files", problems))
    return tensors, (path, *files)


def _with_body_prefix(
    tensors: dict[str, lazy_checkpoint.LazyTensor],
) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Adds the `albert.` that the weights of a bare `AlbertModel` lack."""
    if any(name.startswith(_BODY) for name in tensors):
        return tensors
    return {
        f"{_BODY}{name}" if name.startswith(_BODY_PARTS) else name: tensor
        for name, tensor in tensors.items()
    }
