"""Reads `tf_model.h5`, the Keras weights of transformers' TFAlbert, as those of its torch models.

Example:
    tensors = tf_albert_file.read("albert-base-v2/tf_model.h5")

A weight is called by layer, model and path, `albert/tf_albert_model/albert/pooler/kernel:0`.
"""

import dataclasses
import re

from configs import errors
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import keras_file

_WORDS = re.compile(r".*/embeddings/word_embeddings/weight:0")
_NUMBER = "_._"  # `albert_layers_._0` stands for number 0 of a list
# Last part of a name: torch's, and whether torch keeps the transpose.
_PARAMETERS = {
    "kernel": ("weight", True),
    "gamma": ("weight", False),
    "beta": ("bias", False),
    "embeddings": ("weight", False),
}


def looks_like(path: str) -> bool:
    """Returns whether a file is one, by its content; False for a file that cannot be read."""
    return keras_file.looks_like(path) and keras_file.has_name(path, _WORDS)


def read(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors by their names in torch.

    Raises:
      errors.CheckpointError: the file cannot be read, or says two things of one weight.
    """
    found: dict[str, lazy_checkpoint.LazyTensor] = {}
    for tensor in keras_file.read(path).values():
        name, as_in_torch = _as_in_torch(tensor)
        # Layers that share a weight, as the masked language model does, write it each.
        first = found.setdefault(name, as_in_torch)
        if first is not as_in_torch and not lazy_checkpoint.has_same_bits(first, as_in_torch):
            raise errors.CheckpointError(
                f"{path!r} holds two tensors that are {name} and differ: {first.name} and "
                f"{tensor.name}"
            )
    return found


def _as_in_torch(
    tensor: lazy_checkpoint.LazyTensor,
) -> tuple[str, lazy_checkpoint.LazyTensor]:
    parts = tensor.name.removesuffix(":0").split("/")[2:] or [tensor.name]
    parameter, is_transposed = _PARAMETERS.get(parts[-1], (parts[-1], False))
    name = ".".join([*parts[:-1], parameter]).replace(_NUMBER, ".")
    if not is_transposed:
        return name, tensor
    transposed = dataclasses.replace(tensor, shape=tensor.shape[::-1], read=lambda: tensor.read().T)
    return name, transposed
