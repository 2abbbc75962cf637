"""The row of each value of a ragged tensor, in few ops.

    rows = ragged_rows.of(ids)  # [[5, 6], [], [7]] -> [0, 0, 2]

`RaggedTensor.value_rowids` gives the same in 72 ops, and whoever loads a graph waits for each op.
"""

import tensorflow as tf


def of(ragged: tf.RaggedTensor) -> tf.Tensor:
    """Returns the row, int64 [T], of each value of a ragged tensor [B, (values)]."""
    places = tf.range(tf.cast(tf.shape(ragged.values)[0], tf.int64))
    splits = tf.cast(ragged.row_splits, tf.int64)
    return tf.searchsorted(splits, places, side="right", out_type=tf.int64) - 1
