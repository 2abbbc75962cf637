"""Inputs of models that were made from ours or Hugging Face's, and texts to vectors by these."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from benchmarks.peers.workers import model

_NAMES = {
    model.INPUT_WORD_IDS: "input_ids",
    model.INPUT_MASK: "attention_mask",
    model.INPUT_TYPE_IDS: "token_type_ids",
}


def arrays(batch: model.Batch, names: Collection[str]) -> dict[str, np.ndarray]:
    """Returns the inputs of a model by its names: ours int32, Hugging Face's int64, [B, S]."""
    if model.INPUT_WORD_IDS in names:
        return {name: values.astype(np.int32) for name, values in batch.items()}
    return {_NAMES[name]: values.astype(np.int64) for name, values in batch.items()}


def embed(
    run: Callable[[Any], Any], *, names: Collection[str], tokenizer_dir: str, texts: list[str]
) -> model.Call:
    """Returns a function that computes one vector per text; `run` computes the model's outputs."""
    tokenizer = model.tokenizer(tokenizer_dir)

    def vectors(batch: model.Batch) -> np.ndarray:
        last = np.array(run(arrays(batch, names))[-1])  # pooled [B, H], or states [B, S, H]
        return last if last.ndim == 2 else last[:, 0]

    return lambda: [vectors(batch) for batch in model.batches_of_texts(tokenizer, texts)]
