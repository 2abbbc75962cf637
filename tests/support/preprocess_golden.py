"""Outputs of two earlier programs for 319 tricky strings; see testdata/preprocess/README.md.

Example:
    ids = tokenize(tf.constant(preprocess_golden.strings())).to_list()
    assert ids == preprocess_golden.expected("hub_ids")
"""

import base64
import functools
import json
import pathlib
from typing import Any

import tensorflow as tf

ROOT = pathlib.Path(__file__).parents[1] / "testdata" / "preprocess"
DIGIT_COMMA = str(ROOT / "spm_digit_comma.model")

# The table's vocabularies by the suffix of their columns. None is the vocabulary that we ship.
VOCABULARIES = {"": None, "_dc": DIGIT_COMMA}


@functools.cache
def table() -> dict[str, Any]:
    """Returns the whole file."""
    return json.loads((ROOT / "preprocess.json").read_text(encoding="utf-8"))


def strings() -> list[bytes]:
    """Returns the 319 strings."""
    return [base64.b64decode(row["b64"]) for row in table()["strings"]]


def expected(column: str) -> list[Any]:
    """Returns a column of the table of strings."""
    return [row[column] for row in table()["strings"]]


def ragged(rows: list[Any], *, ragged_rank: int) -> tf.RaggedTensor:
    """Returns rows, which may be empty, as an int32 tensor of a ragged rank."""
    if ragged_rank == 2:
        words = ragged([word for row in rows for word in row], ragged_rank=1)
        return tf.RaggedTensor.from_row_lengths(words, _lengths(rows))
    values = tf.constant([token for row in rows for token in row], tf.int32)
    return tf.RaggedTensor.from_row_lengths(values, _lengths(rows))


def _lengths(rows: list[Any]) -> tf.Tensor:
    return tf.constant([len(row) for row in rows], tf.int64)
