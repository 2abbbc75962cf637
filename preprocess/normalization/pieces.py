"""Cuts texts at a regular expression, and keeps what it matches.

cut = pieces.split(texts, r"\\[MASK\\]")  # "a[MASK]b" -> "a", "[MASK]", "b"
"""

import dataclasses

import tensorflow as tf

# The op itself: `text.regex_split_with_offsets` checks three ragged tensors that it has just made,
# which is 200 ops and 18 functions in every graph.
from tensorflow_text.python.ops import regex_split_ops

from preprocess.normalization import ragged_rows

_ops = regex_split_ops.gen_regex_split_ops


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pieces:
    """The pieces of a batch of texts, one after the other; none of them is empty.

    Attributes:
      rows: int64 [G], the text of which it is a piece.
      starts: int64 [G], the byte of the text at which it starts.
      limits: int64 [G], the byte after its last.
    """

    rows: tf.Tensor
    starts: tf.Tensor
    limits: tf.Tensor

    def contents(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns the pieces, string [G], of the texts, string [B], that were split."""
        return tf.strings.substr(
            tf.gather(texts, self.rows), self.starts, self.limits - self.starts
        )

    def row_splits(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns, int64 [B + 1], where the pieces of each text start."""
        rows = tf.range(tf.size(texts, tf.int64) + 1)
        return tf.searchsorted(self.rows, rows, out_type=tf.int64)


def split(texts: tf.Tensor, pattern: str) -> Pieces:
    """Returns the pieces of texts, string [B]: what the pattern matches, and what is between."""
    rows, starts, limits = _split(texts, pattern)
    return Pieces(rows=rows, starts=starts, limits=limits)


# Traced once for each pattern, however often graphs call it, and twice where it runs eagerly.
@tf.function(autograph=False, reduce_retracing=True)
def _split(texts: tf.Tensor, pattern: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    # The op stops at a NUL: it sees texts without, and its offsets hold for the texts themselves.
    visible = tf.strings.regex_replace(texts, r"\x00", "\x01")
    group = f"({pattern})"
    found, starts, limits, row_splits = _ops.regex_split_with_offsets(visible, group, group)
    rows = ragged_rows.of(tf.RaggedTensor.from_row_splits(found, row_splits, validate=False))
    return rows, tf.cast(starts, tf.int64), tf.cast(limits, tf.int64)


def joined(texts: tf.Tensor, cut: Pieces, contents: tf.Tensor) -> tf.Tensor:
    """Returns texts, string [B], with other contents, string [G], for their pieces."""
    return tf.strings.unsorted_segment_join(contents, cut.rows, tf.size(texts))
