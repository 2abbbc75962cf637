"""The Chinese ALBERTs of brightmart/albert_zh, whose one block is called `layer_shared`.

Example:
    tensors = layer_shared.canonical(tensors)

They are ALBERT under other names, but for the embeddings: the word embeddings are the product of
two matrices, and positions and types are added, and normalised, at hidden size. So the product is
an embedding table of hidden size, and there is no projection after it.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from configs import errors
from export.checkpoints import lazy_checkpoint

_WORDS = "bert/embeddings/word_embeddings"  # [V, E]
_WORDS_2 = "bert/embeddings/word_embeddings_2"  # [E, H]
_SHARED = "bert/encoder/layer_shared/"
_BLOCK = "bert/encoder/transformer/group_0/inner_group_0/"
# Starts of names below the block; google-research/albert's on the right.
_NAMES = {
    "attention/self/": "attention_1/self/",
    "attention/output/dense/": "attention_1/output/dense/",
    "attention/output/LayerNorm/": "LayerNorm/",
    "intermediate/dense/": "ffn_1/intermediate/dense/",
    "output/dense/": "ffn_1/intermediate/output/dense/",
    "output/LayerNorm/": "LayerNorm_1/",
}

_Tensors = Mapping[str, lazy_checkpoint.LazyTensor]


def looks_like(tensors: _Tensors) -> bool:
    """Returns whether these are the tensors of such a model, by their names."""
    return _WORDS_2 in tensors and any(name.startswith(_SHARED) for name in tensors)


def canonical(tensors: _Tensors) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors by google-research/albert's names.

    Tensors with a name that is not known keep it.

    Raises:
      errors.CheckpointError: the two matrices of word embeddings cannot be multiplied.
    """
    found = {_google_name(name): tensor for name, tensor in tensors.items() if name != _WORDS_2}
    found[_WORDS] = _product(tensors[_WORDS], tensors[_WORDS_2])
    return found


def _google_name(name: str) -> str:
    rest = name.removeprefix(_SHARED)
    for theirs, googles in _NAMES.items():
        if rest != name and rest.startswith(theirs):
            return _BLOCK + googles + rest.removeprefix(theirs)
    return name


def _product(
    first: lazy_checkpoint.LazyTensor, second: lazy_checkpoint.LazyTensor
) -> lazy_checkpoint.LazyTensor:
    is_product = (
        len(first.shape) == len(second.shape) == 2
        and first.shape[1] == second.shape[0]
        and first.dtype == second.dtype
    )
    if not is_product:
        raise errors.CheckpointError(
            f"{first.name} {list(first.shape)} ({first.dtype}) and {second.name} "
            f"{list(second.shape)} ({second.dtype}) are not the factors of an embedding table"
        )

    def read() -> np.ndarray:
        # In double precision: the artifact's rows are then the nearest float32 numbers.
        return (first.read().astype(np.float64) @ second.read()).astype(np.float32)

    return dataclasses.replace(
        first,
        name=f"{first.name} @ {second.name}",
        shape=(first.shape[0], second.shape[1]),
        read=read,
    )
