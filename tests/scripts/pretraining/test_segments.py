"""Rows of whole lines, and pairs of segments, against plain Python."""

import collections
import random

import numpy as np
import pytest
import tensorflow as tf

from scripts.pretraining import segments

_SIZE = 12
_fill = tf.function(segments.rows, autograph=False, reduce_retracing=True)


def _rows(lines, size=_SIZE):
    """Returns lists of lines for rows, as greedily as a person would do it."""
    rows, row = [], []
    for line in [*lines, []]:
        if row and (not line or sum(map(len, row)) + len(line) > size):
            rows.append(row)
            row = []
        if len(line) > size:
            rows += [[line[i : i + size]] for i in range(0, len(line), size)]
        elif line:
            row.append(line)
    return rows


def _ours(lines, size=_SIZE):
    tokens = tf.ragged.constant(lines, tf.int32, ragged_rank=1)
    found = {name: value.numpy() for name, value in _fill(tokens, size=size).items()}
    return [
        [ids[numbers == k].tolist() for k in range(1, numbers.max() + 1)]
        for ids, numbers in zip(found[segments.TOKENS], found[segments.LINES], strict=True)
    ]


def _text(draw, lines=300):
    """Returns lines with distinct tokens; a tenth is blank, some are longer than a row."""
    lengths = [draw.choice([0, 30, *range(1, 10), *range(1, 10)]) for _ in range(lines)]
    tokens = iter(range(1, sum(lengths) + 1))
    return [[next(tokens) for _ in range(length)] for length in lengths]


def test_rows_hold_as_many_whole_lines_of_a_document_as_fit():
    lines = _text(random.Random(0))
    rows = _ours(lines)
    assert rows == _rows(lines)
    assert [t for row in rows for line in row for t in line] == [t for line in lines for t in line]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([[], []], []),
        ([[1] * 12, [2]], [[[1] * 12], [[2]]]),
        ([[1] * 5, [2] * 7], [[[1] * 5, [2] * 7]]),
        ([[], [1], [], [2], [3], []], [[[1]], [[2], [3]]]),
        ([[1], [2] * 13, [3]], [[[1]], [[2] * 12], [[2]], [[3]]]),
    ],
)
def test_rows_at_the_edges(lines, expected):
    assert _ours(lines) == expected


def _batch(lengths, repeats):
    """Returns one row several times: lines of these lengths, whose tokens are their number."""
    numbers = [k for k, length in enumerate(lengths, start=1) for _ in range(length)]
    row = numbers + [0] * (_SIZE - len(numbers))
    column = tf.constant([row] * repeats)
    return {segments.TOKENS: column, segments.LINES: column}


def test_pairs_are_divided_evenly_between_lines_and_half_of_them_swapped():
    count = 3000
    batch = _batch([3, 2, 1, 4], count)
    first, second, is_swapped, is_pair = segments.draw(batch, tf.constant([5, 7], tf.int64))
    is_swapped = is_swapped.numpy()
    assert is_pair.numpy().all()
    swaps = collections.defaultdict(list)
    whole = [1] * 3 + [2] * 2 + [3] + [4] * 4
    for one, other, swapped in zip(first.to_list(), second.to_list(), is_swapped, strict=True):
        before, after = (other, one) if swapped else (one, other)
        assert before + after == whole
        swaps[len(before)].append(swapped)
    assert swaps.keys() == {3, 5, 6}  # between lines
    for swapped in swaps.values():  # standard errors: 0.009 and 0.016
        assert len(swapped) / count == pytest.approx(1 / 3, abs=0.03)
        assert np.mean(swapped) == pytest.approx(0.5, abs=0.05)
    other = segments.draw(batch, tf.constant([5, 8], tf.int64))
    assert (other[2].numpy() != is_swapped).any()


def test_a_row_of_one_line_is_not_divided():
    first, second, is_swapped, is_pair = segments.draw(
        _batch([6], 20), tf.constant([0, 0], tf.int64)
    )
    assert first.to_list() == [[1] * 6] * 20
    assert second.to_list() == [[]] * 20
    assert not is_swapped.numpy().any() and not is_pair.numpy().any()
