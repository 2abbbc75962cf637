"""Rows and slots of tokens agree with plain Python, for any mask."""

import hypothesis
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from export.model import unpadding

MASKS = st.tuples(st.integers(0, 6), st.integers(1, 7)).flatmap(
    lambda shape: arrays.arrays(np.int32, shape, elements=st.integers(0, 1))
)


@hypothesis.given(MASKS)
def test_unpadded_has_a_row_for_every_token_and_every_first_position(mask):
    _, tokens = unpadding.unpadded(tf.constant(mask))
    expected = [
        (example, position)
        for example, row in enumerate(mask)
        for position, is_token in enumerate(row)
        if is_token or position == 0
    ]
    assert [tuple(row) for row in tokens.positions.numpy()] == expected
    assert [expected[row] for row in tokens.first_rows] == [(b, 0) for b in range(len(mask))]
    assert tokens.has_tokens.numpy().tolist() == mask.any(axis=1).tolist()


@hypothesis.given(MASKS)
def test_rows_come_back_from_sequences_unchanged_and_in_sequences_of_the_longest_length(mask):
    rows_layout, tokens = unpadding.unpadded(tf.constant(mask))
    num_rows = len(tokens.positions)
    rows = tf.random.stateless_normal([num_rows, 3], seed=[1, 2])
    sequences = rows_layout.sequences(rows)
    np.testing.assert_array_equal(rows_layout.rows(sequences), rows)
    lengths = np.bincount(tokens.positions.numpy()[:, 0], minlength=len(mask))
    assert sequences.shape[1] == max(lengths, default=0)
    # Nothing is computed twice, and no more sequences than there were.
    assert sequences.shape[0] <= len(mask)
    assert np.count_nonzero(rows_layout.row_of_slot < num_rows) == num_rows


@hypothesis.given(MASKS)
def test_a_token_sees_exactly_the_tokens_of_its_own_example(mask):
    rows_layout, tokens = unpadding.unpadded(tf.constant(mask))
    slots = rows_layout.slot_of_row.numpy()
    positions = tokens.positions.numpy()
    attention_bias = rows_layout.attention_bias.numpy()
    for query, (example, _) in enumerate(positions):
        group, slot = divmod(slots[query], attention_bias.shape[1])
        seen = attention_bias[group, slot] == 0
        expected = {
            divmod(slots[key], attention_bias.shape[1])
            for key, (other, position) in enumerate(positions)
            if other == example and mask[other, position]
        }
        assert {(group, key) for key in np.flatnonzero(seen)} == expected


@hypothesis.given(MASKS)
def test_positions_get_their_row_and_padding_gets_zeros(mask):
    _, tokens = unpadding.unpadded(tf.constant(mask))
    rows = 1.0 + tf.range(len(tokens.positions), dtype=tf.float32)[:, tf.newaxis]
    by_position = unpadding.gather_rows(rows, tokens.row_of_position).numpy()[..., 0]
    expected = np.zeros(mask.shape)
    for row, (example, position) in enumerate(tokens.positions.numpy()):
        expected[example, position] = (row + 1) * mask[example, position]
    np.testing.assert_array_equal(by_position, expected)


def test_short_sequences_share_a_row_of_attention():
    mask = np.less(np.arange(8), [[8], [2], [3], [3], [1], [8]]).astype(np.int32)
    rows_layout, _ = unpadding.unpadded(tf.constant(mask))
    # 8 | 2 + 3 + 3 | 1 | 8: next fit.
    assert rows_layout.row_of_slot.shape == [4, 8]
