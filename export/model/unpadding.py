"""Converts between rows, which projections take, and sequences, which attention takes.

Example:
    layout = unpadding.padded(input_mask)            # a row for every position
    layout, tokens = unpadding.unpadded(input_mask)  # a row for every token

A layout is a tuple of tensors, so a `tf.function` can take it as an argument. Letters besides those
of albert.py: `T` rows; in attention `G` sequences of length `L`.
"""

from typing import NamedTuple

import tensorflow as tf

# Added to the attention scores of padding; the original's constant (modeling.py, attention_layer).
_MASKED_SCORE = -10000.0


class Padded(NamedTuple):
    """Has a row for every position of the batch: T = B * S; G, L = B, S."""

    attention_bias: tf.Tensor  # float32 [B, 1, S], added to the attention scores

    def sequences(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns rows [T, X] as sequences [G, L, X]."""
        batch_size, _, seq_length = tf.unstack(tf.shape(self.attention_bias))
        return tf.reshape(rows, [batch_size, seq_length, rows.shape[-1]])

    def rows(self, sequences: tf.Tensor) -> tf.Tensor:
        """Returns sequences [G, L, X] as rows [T, X]."""
        return tf.reshape(sequences, [-1, sequences.shape[-1]])


class Unpadded(NamedTuple):
    """Has a row for every token. In attention, several short sequences share one of the G.

    A slot is a position in one of the G sequences of length L.
    """

    attention_bias: tf.Tensor  # float32 [G, L, L]: a token sees the tokens of its own sequence
    row_of_slot: tf.Tensor  # int32 [G, L]; T where a slot is empty
    slot_of_row: tf.Tensor  # int32 [T], in [0, G * L)

    def sequences(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns rows [T, X] as sequences [G, L, X]."""
        return gather_rows(rows, self.row_of_slot)

    def rows(self, sequences: tf.Tensor) -> tf.Tensor:
        """Returns sequences [G, L, X] as rows [T, X]."""
        # XLA cannot compile the gradient of `tf.gather_nd`, which scatters into a shape that XLA
        # does not know. The gradient of `tf.gather` needs only a bound.
        slots = tf.reshape(sequences, [-1, sequences.shape[-1]])  # [G * L, X]
        return tf.gather(slots, self.slot_of_row)


class Tokens(NamedTuple):
    """The rows of an unpadded batch.

    Position 0 of every example has a row, even if it is padding, because the pooler reads it.
    """

    positions: tf.Tensor  # int32 [T, 2], the (example, position) of a row
    row_of_position: tf.Tensor  # int32 [B, S]; T at padding
    first_rows: tf.Tensor  # int32 [B], the rows of position 0
    has_tokens: tf.Tensor  # bool [B]


Layout = Padded | Unpadded

# Specs of the layouts, for functions that take them.
PADDED = Padded(tf.TensorSpec([None, 1, None]))
UNPADDED = Unpadded(
    attention_bias=tf.TensorSpec([None, None, None]),
    row_of_slot=tf.TensorSpec([None, None], tf.int32),
    slot_of_row=tf.TensorSpec([None], tf.int32),
)


def padded(mask: tf.Tensor) -> Padded:
    """Returns the layout that includes padding, for a mask int32 [B, S], 1 for tokens."""
    return Padded((1.0 - tf.cast(tf.expand_dims(mask, 1), tf.float32)) * _MASKED_SCORE)


def unpadded(mask: tf.Tensor) -> tuple[Unpadded, Tokens]:
    """Returns the layout of the tokens alone, for any mask int32 [B, S], 1 for tokens."""
    is_token = tf.not_equal(mask, 0)  # [B, S]
    is_first = tf.equal(tf.range(tf.shape(mask)[1]), 0)  # [S]
    has_row = is_token | is_first  # [B, S]
    positions = tf.cast(tf.where(has_row), tf.int32)  # [T, 2]
    num_rows = tf.shape(positions)[0]
    count = tf.cast(has_row, tf.int32)  # [B, S]
    lengths = tf.reduce_sum(count, axis=1)  # [B]
    first_rows = tf.cumsum(lengths, exclusive=True)  # [B]
    rank = tf.cumsum(count, axis=1, exclusive=True)  # [B, S]
    row_of_position = first_rows[:, tf.newaxis] + rank  # [B, S]

    length = tf.reduce_max(tf.concat([lengths, [0]], axis=0))  # L
    group, start = _pack(lengths, length)  # [B], [B]
    num_groups = tf.reduce_max(tf.concat([group + 1, [0]], axis=0))  # G
    slot_of_row = tf.stack(
        [tf.gather(group, positions[:, 0]), tf.gather_nd(start[:, tf.newaxis] + rank, positions)],
        axis=1,
    )  # [T, 2]

    def by_slot(values: tf.Tensor, empty: int | tf.Tensor) -> tf.Tensor:
        # XLA needs a bound for every dimension, and fails if a bound is one.
        slots = tf.fill(tf.shape(mask) + 1, empty)
        return tf.tensor_scatter_nd_update(slots, slot_of_row, values)[:num_groups, :length]

    example = by_slot(positions[:, 0], -1)  # [G, L]
    is_key = by_slot(tf.gather_nd(tf.cast(is_token, tf.int32), positions), 0) > 0  # [G, L]
    sees = tf.equal(tf.expand_dims(example, 2), tf.expand_dims(example, 1))  # [G, L, L]
    sees &= tf.expand_dims(is_key, 1)  # [G, L, L]
    rows = Unpadded(
        attention_bias=tf.where(sees, 0.0, _MASKED_SCORE),
        row_of_slot=by_slot(tf.range(num_rows), num_rows),
        slot_of_row=slot_of_row[:, 0] * length + slot_of_row[:, 1],
    )
    return rows, Tokens(
        positions=positions,
        row_of_position=tf.where(is_token, row_of_position, num_rows),
        first_rows=first_rows,
        has_tokens=tf.reduce_any(is_token, axis=1),
    )


def _pack(lengths: tf.Tensor, capacity: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Packs sequences into groups of `capacity` tokens, in order (next fit).

    Args:
      lengths: int32 [B], none above `capacity`.
      capacity: int32 scalar.

    Returns:
      int32 [B], [B]: the group of each sequence, and the sequence's start in the group.
    """

    def place(state: tuple[tf.Tensor, tf.Tensor], length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        group, end = state
        fits = end + length <= capacity
        return group + tf.where(fits, 0, 1), tf.where(fits, end, 0) + length

    group, end = tf.scan(place, lengths, initializer=(tf.constant(0), tf.constant(0)))
    return group, end - lengths


def gather_rows(rows: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Returns rows [T, X] at `index` [...], and zeros where it is T."""
    return tf.gather(tf.pad(rows, [[0, 1], [0, 0]]), index)
