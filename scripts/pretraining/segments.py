"""Rows of whole lines for the prediction of their order, after ALBERT's authors.

Example:
    rows = segments.rows(tokens, size=125)  # of lines; those without tokens end documents
    first, second, is_swapped, is_pair = segments.draw(rows, seed)

As in google-research/albert, `create_pretraining_data.py`, a row has consecutive lines of one
document. It is divided before one of its lines, drawn evenly, and half of the pairs are swapped.
A row begins and ends with a line: a cut sentence at one end would tell the order. So a line that
is longer than a row is cut into rows of its own, which have no order, and no text is lost.
"""

from collections.abc import Mapping

import tensorflow as tf

TOKENS = "tokens"  # int32 [W, size], padded with 0
LINES = "lines"  # int32 [W, size], the number of each token's line in its row, from 1; padding is 0


def rows(tokens: tf.RaggedTensor, *, size: int) -> dict[str, tf.Tensor]:
    """Fills rows with as many whole lines as they hold.

    Args:
      tokens: int32 [B, (tokens)] of lines.
      size: of a row, in tokens.

    Returns:
      `TOKENS` and `LINES`, int32 [W, size].
    """
    values, splits = tokens.values, tf.cast(tokens.row_splits, tf.int32)
    starts = _row_starts(splits, size=size)  # [W]
    total = tf.size(values)
    row_splits = tf.concat([starts, total[tf.newaxis]], axis=0)
    lines = tf.cast(tokens.value_rowids(), tf.int32)
    first = tf.gather(lines, starts)  # [W]
    lengths = row_splits[1:] - row_splits[:-1]
    numbers = lines - tf.repeat(first, lengths) + 1
    return {
        name: tf.RaggedTensor.from_row_splits(column, row_splits, validate=False).to_tensor(
            shape=[None, size]
        )
        for name, column in ((TOKENS, values), (LINES, numbers))
    }


def _row_starts(splits: tf.Tensor, *, size: int) -> tf.Tensor:
    """Returns, int32 [W], the first token of each row, from the row splits of lines."""
    ends = splits[1:]
    total = splits[-1]
    blank = tf.boolean_mask(ends, ends == splits[:-1])
    document_ends = tf.concat([blank, total[tf.newaxis]], axis=0)

    def step(
        start: tf.Tensor, count: tf.Tensor, starts: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
        limit = tf.minimum(start + size, _next(document_ends, start))
        line_end = _next(ends, start)
        # The end of the last line that fits; that of a line before the row if none does.
        fitting = tf.searchsorted(ends, limit[tf.newaxis], side="right")[0]
        end = splits[fitting]
        begins_line = tf.reduce_any(splits == start)
        end = tf.where(begins_line & (end > start), end, tf.minimum(limit, line_end))
        return end, count + 1, starts.write(count, start)

    array = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[])
    start = (tf.constant(0), tf.constant(0), array)
    return tf.while_loop(lambda start, *_: start < total, step, start)[2].stack()


def _next(sorted_values: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Returns the first of the sorted values that is greater."""
    return sorted_values[tf.searchsorted(sorted_values, value[tf.newaxis], side="right")[0]]


def draw(
    batch: Mapping[str, tf.Tensor], seed: tf.Tensor
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.Tensor, tf.Tensor]:
    """Divides rows into two segments, and swaps half of them.

    Args:
      batch: `TOKENS` and `LINES`, int32 [B, size].
      seed: int64 [2].

    Returns:
      The first and the second segment, int32 [B, (tokens)]; bool [B], whether they were swapped,
      and whether there are two. The second is empty in a row of one line.
    """
    tokens, lines = batch[TOKENS], batch[LINES]
    count = tf.reduce_max(lines, axis=1)  # [B]
    draws = tf.random.stateless_uniform([2, tf.shape(count)[0]], seed, alg="philox")
    # The lines of the segment that is first in the document: 1 to count - 1.
    length = 1 + tf.cast(draws[0] * tf.cast(count - 1, tf.float32), tf.int32)
    is_pair = count > 1
    is_swapped = (draws[1] < 0.5) & is_pair
    is_first = lines <= length[:, tf.newaxis]  # [B, size]
    is_token = lines > 0
    before = tf.not_equal(is_first, is_swapped[:, tf.newaxis])
    segment, other = (tf.ragged.boolean_mask(tokens, is_token & mask) for mask in (before, ~before))
    return segment, other, is_swapped, is_pair
