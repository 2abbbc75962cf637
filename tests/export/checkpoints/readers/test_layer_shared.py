"""The factors of brightmart's word embeddings: their product, and what is not one."""

import numpy as np
import pytest

from configs import errors
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import layer_shared


def _tensors(*factors):
    names = ("bert/embeddings/word_embeddings", "bert/embeddings/word_embeddings_2")
    return {
        name: lazy_checkpoint.LazyTensor(
            name=name, shape=array.shape, dtype=array.dtype.name, read=lambda array=array: array
        )
        for name, array in zip(names, factors, strict=True)
    }


def test_word_embeddings_are_the_product_of_both_factors():
    tensors = _tensors(np.array([[1, 2], [3, 4]], np.float32), np.array([[5], [6]], np.float32))
    (product,) = layer_shared.canonical(tensors).values()
    assert product.shape == (2, 1) and product.read().tolist() == [[17], [39]]


@pytest.mark.parametrize(
    "second",
    [np.zeros((3, 4), np.float32), np.zeros(2, np.float32), np.zeros((2, 4), np.int64)],
    ids=["rows", "rank", "type"],
)
def test_factors_that_cannot_be_multiplied_are_refused(second):
    with pytest.raises(errors.CheckpointError, match=r"word_embeddings_2 .* are not the factors"):
        layer_shared.canonical(_tensors(np.zeros((5, 2), np.float32), second))
