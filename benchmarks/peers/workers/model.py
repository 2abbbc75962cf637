"""The interface of a worker's model, and inputs that several models share.

Each method returns a function without arguments, which does the work once. Only calls of that
function are measured.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

NUM_THREADS = 2

INPUT_WORD_IDS = "input_word_ids"
INPUT_MASK = "input_mask"
INPUT_TYPE_IDS = "input_type_ids"

# Treatments of padding, as in `engines`.
LONGEST = "longest"
UNPADDED = "unpadded"

# Of stochastic gradient descent. It does not influence the time, and must be so small that many
# steps do not overflow.
LEARNING_RATE = 1e-5

# Texts are embedded as by sentence-transformers: sorted by length, in batches of 32, each padded to
# its longest text.
TEXTS_PER_BATCH = 32
_MAX_SEQ_LENGTH = 512
_PADDED_SEQ_LENGTH = 128
_MASKED_SHARE = 0.15

Batch = Mapping[str, np.ndarray]  # int32 [B, S] by name
Call = Callable[[], Any]


class Model(Protocol):
    """A loaded model. Models have only the methods for their engines' kinds of work."""

    def infer(self, batch: Batch, padding: str) -> Call:
        """Computes `pooled_output` and `sequence_output`."""

    def train(self, batch: Batch, padding: str) -> Call:
        """Does one step: forward, backward and update of all variables."""

    def pretrain(self, batch: Batch, padding: str) -> Call:
        """Does one step of masked language model training with AdamW."""

    def embed(self, texts: list[str]) -> Call:
        """Computes one vector per text."""

    def classify(self, texts: list[str]) -> Call:
        """Computes one label per text."""

    def preprocess(self, texts: list[str]) -> Call:
        """Computes the ids of the texts, padded to 128 if the engine can."""


def cut(batch: Batch, padding: str) -> Batch:
    """Returns the batch, cut to its longest row if `padding` is `LONGEST`."""
    if padding != LONGEST:
        return batch
    longest = int(batch[INPUT_MASK].sum(axis=1).max())
    return {name: np.ascontiguousarray(values[:, :longest]) for name, values in batch.items()}


def masked(batch: Batch) -> Batch:
    """Returns the batch with predictions of a row's tokens, 15 % of them and at least one.

    Adds `masked_lm_positions` and `masked_lm_ids`, int32 [B, P], and `masked_lm_weights`, float32
    [B, P], of 20 predictions per 128 positions.
    """
    rows, seq_length = batch[INPUT_MASK].shape
    lengths = batch[INPUT_MASK].sum(axis=1)
    most = -(-seq_length * 20 // 128)
    counts = np.clip(np.round(lengths * _MASKED_SHARE), 1, most).astype(int)
    positions = np.zeros([rows, most], np.int32)
    weights = (np.arange(most) < counts[:, None]).astype(np.float32)
    for row, (length, count) in enumerate(zip(lengths, counts, strict=True)):
        positions[row, :count] = np.linspace(0, length - 1, count, dtype=np.int32)
    labels = np.take_along_axis(batch[INPUT_WORD_IDS], positions, axis=1) * (weights > 0)
    return {
        **batch,
        "masked_lm_positions": positions,
        "masked_lm_ids": labels.astype(np.int32),
        "masked_lm_weights": weights,
    }


def in_batches(texts: list[str]) -> list[list[str]]:
    """Returns the texts in batches of `TEXTS_PER_BATCH`."""
    starts = range(0, len(texts), TEXTS_PER_BATCH)
    return [texts[start : start + TEXTS_PER_BATCH] for start in starts]


def tokenizer(directory: str, *, pad: bool = False) -> Any:
    """Returns the tokenizer in `directory`, cutting and padding to 128 if `pad`.

    Without `pad`, it cuts to 512 and pads to the longest text.
    """
    import tokenizers

    loaded = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
    loaded.enable_truncation(_PADDED_SEQ_LENGTH if pad else _MAX_SEQ_LENGTH)
    loaded.enable_padding(length=_PADDED_SEQ_LENGTH if pad else None)
    return loaded


def batches_of_texts(loaded_tokenizer: Any, texts: list[str]) -> Iterator[Batch]:
    """Yields the texts, sorted by length, in batches padded to their longest text."""
    for batch in in_batches(sorted(texts, key=len)):
        encoded = loaded_tokenizer.encode_batch(batch)
        yield {
            INPUT_WORD_IDS: np.array([row.ids for row in encoded], np.int64),
            INPUT_MASK: np.array([row.attention_mask for row in encoded], np.int64),
            INPUT_TYPE_IDS: np.array([row.type_ids for row in encoded], np.int64),
        }


def read_batch(path: str) -> Batch:
    with np.load(path) as arrays:
        return dict(arrays)


def read_texts(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return json.load(file)
