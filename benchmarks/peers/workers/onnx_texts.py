"""Inputs of the ONNX model, and texts to vectors by it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers.workers import model

_NAMES = {
    model.INPUT_WORD_IDS: "input_ids",
    model.INPUT_MASK: "attention_mask",
    model.INPUT_TYPE_IDS: "token_type_ids",
}
_POOLED = 1  # the outputs are last_hidden_state and pooler_output


def arrays(batch: model.Batch) -> dict[str, np.ndarray]:
    """Returns the inputs of the ONNX model, int64 [B, S]."""
    return {_NAMES[name]: values.astype(np.int64) for name, values in batch.items()}


def embed(run: Callable[[Any], Any], *, tokenizer_dir: str, texts: list[str]) -> model.Call:
    """Returns a function that computes one vector per text; `run` computes the model's outputs."""
    tokenizer = model.tokenizer(tokenizer_dir)
    return lambda: [
        np.array(run(arrays(batch))[_POOLED]) for batch in model.batches_of_texts(tokenizer, texts)
    ]
