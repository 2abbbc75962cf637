"""Reads the weights of a Hugging Face model: one file or several, safetensors, torch or Keras.

tensors, files = hugging_face.read("albert-base-v2/model.safetensors")
"""

import os
import re
from collections.abc import Mapping

from configs import errors
from export.checkpoints import lazy_checkpoint, weight_table
from export.checkpoints.readers import safetensors_file, sidecars, tf_albert_file, torch_file

# As transformers looks for them, in its order.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tf_model.h5",
)
_BODY = "albert."
_BODY_PARTS = ("embeddings.", "encoder.", "pooler.")
_WORDS = "embeddings.word_embeddings.weight"
_GROUPS = "encoder.albert_layer_groups."
# Parameters of a layer norm in transformers before 1.0.
_OLD_NORM = re.compile(r"LayerNorm\.(gamma|beta)$")
_NORM = {"gamma": "weight", "beta": "bias"}
_BIAS, _DECODER_BIAS = "predictions.bias", "predictions.decoder.bias"


def read(path: str) -> tuple[dict[str, lazy_checkpoint.LazyTensor], tuple[str, ...]]:
    """Returns the tensors by canonical name, and the files they are in.

    Args:
      path: a safetensors file, a torch file, Keras weights of transformers' TFAlbert, or the index
        of a sharded model.

    Raises:
      errors.CheckpointError: a file is missing, truncated, corrupted or of another kind, or the
        index and the files disagree.
    """
    if looks_like_index(path):
        tensors, files = _read_shards(path)
    else:
        tensors, files = read_file(path), (path,)
    return _with_bias(with_body_prefix(_without_wrapper(tensors, path))), files


def looks_like(path: str) -> bool:
    """Returns whether a file is one that `read` reads, by its content."""
    start = _start(path)
    return (
        safetensors_file.looks_like(start)
        or torch_file.looks_like(start)
        or looks_like_index(path)
        or tf_albert_file.looks_like(path)
    )


def looks_like_index(path: str) -> bool:
    """Returns whether a file is a JSON object: the index of a sharded model, or nothing we read."""
    return _start(path).lstrip().startswith(b"{")


def _start(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(32)


def read_file(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors of one file by its own names.

    Raises:
      errors.CheckpointError: see `read`.
    """
    if not os.path.isfile(path):
        raise errors.CheckpointError(f"{path!r} does not exist")
    start = _start(path)
    if torch_file.looks_like(start):
        return torch_file.read(path)
    if safetensors_file.looks_like(start):
        return safetensors_file.read(path)
    if tf_albert_file.looks_like(path):
        return tf_albert_file.read(path)
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
        for name, tensor in read_file(file).items():
            if weight_map.get(name) != os.path.basename(file):
                problems.append(f"{name} is in {os.path.basename(file)}, which the index denies")
            else:
                tensors[name] = tensor
    problems += [f"{name} is in no file" for name in weight_map if name not in tensors]
    if problems:
        raise errors.CheckpointError(errors.listing(f"{path!r} does not fit its files", problems))
    return tensors, (path, *files)


def _without_wrapper(
    tensors: Mapping[str, lazy_checkpoint.LazyTensor], path: str
) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Spells the names as transformers does, whatever the model was wrapped in.

    The word embeddings tell what the encoder is called: `module.albert.` in a model that
    DataParallel wrapped, `bert.` or `model.` in a class of the user's own.
    """
    current = {
        _OLD_NORM.sub(lambda match: f"LayerNorm.{_NORM[match[1]]}", name): tensor
        for name, tensor in tensors.items()
    }
    encoders = [
        name.removesuffix(_WORDS)
        for name in current
        if name.endswith(_WORDS)
        and any(other.startswith(name.removesuffix(_WORDS) + _GROUPS) for other in current)
    ]
    if len(encoders) > 1:
        names = ", ".join(encoders)
        raise errors.CheckpointError(
            f"{path!r} holds several ALBERT encoders ({names}); it must hold one"
        )
    encoder = encoders[0] if encoders else ""
    outer = encoder.rstrip(".").rpartition(".")[0]
    renamed: dict[str, lazy_checkpoint.LazyTensor] = {}
    for name, tensor in current.items():
        if encoder and name.startswith(encoder):
            name = _BODY + name.removeprefix(encoder)
        elif outer:
            name = name.removeprefix(f"{outer}.")
        if name in renamed:
            raise errors.CheckpointError(f"{path!r} holds two tensors that are called {name}")
        renamed[name] = tensor
    return renamed


def with_body_prefix(
    tensors: Mapping[str, lazy_checkpoint.LazyTensor],
) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Adds the `albert.` that the weights of a bare `AlbertModel` lack."""
    if any(name.startswith(_BODY) for name in tensors):
        return dict(tensors)
    return {
        f"{_BODY}{name}" if name.startswith(_BODY_PARTS) else name: tensor
        for name, tensor in tensors.items()
    }


def _with_bias(
    tensors: dict[str, lazy_checkpoint.LazyTensor],
) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Calls the bias that transformers adds to the logits by one name, whichever are stored.

    Where both are, it is the decoder's (modeling_albert.py, `AlbertMLMHead`).
    """
    decoder = tensors.pop(_DECODER_BIAS, None)
    if decoder is None:
        return tensors
    bias = tensors.get(_BIAS)
    if bias is not None and not lazy_checkpoint.has_same_bits(bias, decoder):
        tensors[_BIAS + weight_table.OVERRIDDEN] = bias
    return {**tensors, _BIAS: decoder}
