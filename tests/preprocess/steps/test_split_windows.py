"""Tests of `preprocess.steps.split_windows`."""

import random

import pytest
import tensorflow as tf

from preprocess.steps import pack_inputs, split_windows
from tests.support import preprocess_golden

_CLS, _SEP = 2, 3


@pytest.fixture(scope="module")
def split():
    pack = pack_inputs.BertPackInputs(
        start_of_sequence_id=_CLS, end_of_segment_id=_SEP, padding_id=0, default_seq_length=128
    )
    return split_windows.SplitWindows(pack)


def _documents():
    draw = random.Random(4)
    lengths = [0, 1, 5, 6, 7, 12, 13, 40, 0]
    return [[draw.randint(5, 99) for _ in range(length)] for length in lengths]


def _expected(documents, queries, seq_length, stride):
    """Returns windows by the contract's rules, one document at a time."""
    rows, examples = [], []
    for example, (document, query) in enumerate(zip(documents, queries, strict=True)):
        head = [_CLS] if query is None else [_CLS, *query, _SEP]
        room = seq_length - len(head) - 1
        start = 0
        while True:
            rows.append([*head, *document[start : start + room], _SEP])
            examples.append(example)
            if start + room >= len(document):
                break
            start += stride
    return [row + [0] * (seq_length - len(row)) for row in rows], examples


@pytest.mark.parametrize(("seq_length", "stride"), [(8, 6), (8, 1), (9, 4), (3, 1), (64, 30)])
def test_windows_cover_every_document(split, seq_length, stride):
    documents = _documents()
    packed, window_to_example = split(
        preprocess_golden.ragged(documents, ragged_rank=1),
        tf.constant(seq_length),
        tf.constant(stride),
    )
    rows, examples = _expected(documents, [None] * len(documents), seq_length, stride)
    assert packed["input_word_ids"].numpy().tolist() == rows
    assert window_to_example.dtype == tf.int32
    assert window_to_example.numpy().tolist() == examples
    assert packed["input_type_ids"].numpy().max() == 0
    assert packed["input_mask"].numpy().tolist() == [[int(i > 0) for i in row] for row in rows]


def test_windows_carry_their_query(split):
    documents = _documents()
    queries = [[100 + i] * (i % 3) for i in range(len(documents))]
    packed, window_to_example = split(
        preprocess_golden.ragged(documents, ragged_rank=1),
        tf.constant(10),
        tf.constant(3),
        preprocess_golden.ragged(queries, ragged_rank=1),
    )
    rows, examples = _expected(documents, queries, 10, 3)
    assert packed["input_word_ids"].numpy().tolist() == rows
    assert window_to_example.numpy().tolist() == examples
    second = [row.index(_SEP) + 1 for row in rows]
    for row, first, types in zip(rows, second, packed["input_type_ids"].numpy(), strict=True):
        used = sum(i > 0 for i in row)
        assert types.tolist() == [0] * first + [1] * (used - first) + [0] * (10 - used)


def test_no_documents_give_no_windows(split):
    none = preprocess_golden.ragged([], ragged_rank=1)
    packed, window_to_example = split(none, tf.constant(8), tf.constant(6))
    assert packed["input_word_ids"].shape == (0, 8)
    assert window_to_example.shape == (0,)


@pytest.mark.parametrize(
    ("seq_length", "stride", "query", "message"),
    [
        (8, 0, None, r"stride must be at least 1 .* \[0\]"),
        (8, 7, None, r"at most the tokens of a window, got\] \[7\] .* \[6\]"),
        (2, 1, None, r"seq_length leaves no room for tokens, got\] \[2\]"),
        (8, 3, [[9, 9, 9]], r"at most the tokens of a window, got\] \[3\] .* \[2\]"),
        (8, 1, [[9] * 5], r"seq_length leaves no room for tokens, got\] \[8\]"),
        (8, 1, [[9], [9]], r"equal batch sizes, got\] \[1\] \[2\]"),
    ],
)
def test_impossible_windows_are_refused(split, seq_length, stride, query, message):
    document = preprocess_golden.ragged([[7] * 20], ragged_rank=1)
    if query is not None:
        query = preprocess_golden.ragged(query, ragged_rank=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        split(document, tf.constant(seq_length), tf.constant(stride), query)
