"""Splits long documents into overlapping rows: the `split_windows` object of the preprocessor.

Example:
    packed, window_to_example = split_windows(tokens, seq_length=128, stride=64)
    pooled = encoder(packed)["pooled_output"]  # [W, H]
    tf.math.segment_mean(pooled, window_to_example)  # [B, H]
"""

import tensorflow as tf

from preprocess.steps import graph_checks, pack_inputs

_TOKENS = tf.RaggedTensorSpec([None, None], tf.int32)
_SCALAR = tf.TensorSpec([], tf.int32)


class SplitWindows(tf.Module):
    """Splits documents into windows of equal length."""

    def __init__(self, pack: pack_inputs.BertPackInputs) -> None:
        """Traces the function with and without a query.

        Args:
          pack: packs the windows.
        """
        super().__init__()
        self._pack = pack
        for query in (None, _TOKENS):
            self.__call__.get_concrete_function(_TOKENS, _SCALAR, _SCALAR, query)

    @tf.function(autograph=False)
    def __call__(
        self,
        tokens: tf.RaggedTensor,
        seq_length: tf.Tensor,
        stride: tf.Tensor,
        query: tf.RaggedTensor | None = None,
    ) -> tuple[pack_inputs.Packed, tf.Tensor]:
        """Cuts documents into windows, `[CLS] window [SEP]` or `[CLS] query [SEP] window [SEP]`.

        The n-th window of a document starts at its token `n * stride`, and its last window ends
        with its last token. A document without tokens has one window.

        Args:
          tokens: int32 [B, (tokens)], the documents.
          seq_length: scalar int32, the length of a row, special tokens included.
          stride: scalar int32, tokens between the starts of two windows. At most the tokens that a
            window holds: `seq_length - 2`, or `seq_length - 3` less the query's tokens.
          query: int32 [B, (tokens)], text that precedes every window of its document.

        Returns:
          The packed windows, int32 [W, seq_length] by the names of `bert_pack_inputs`, and
          `window_to_example`, int32 [W], the row of each window's document, which never decreases.

        Raises:
          tf.errors.InvalidArgumentError: `stride` is not positive or would skip tokens,
            `seq_length` leaves no room for tokens, or the batch sizes differ.
        """
        lengths = tf.cast(tokens.row_lengths(), tf.int32)  # [B]
        room = _room(tokens, query, seq_length)  # [B]
        with tf.control_dependencies(_checks(room, seq_length, stride)):
            stride = tf.identity(stride)
        counts = 1 + (tf.maximum(lengths - room, 0) + stride - 1) // stride  # [B]
        window_to_example = tf.repeat(tf.range(tf.size(counts)), counts)  # [W]
        starts = tf.ragged.range(counts).values * stride  # [W]
        limits = tf.minimum(
            starts + tf.gather(room, window_to_example), tf.gather(lengths, window_to_example)
        )
        firsts = tf.gather(tf.cast(tokens.row_starts(), tf.int32), window_to_example)
        indices = tf.ragged.range(firsts + starts, firsts + limits, row_splits_dtype=tf.int64)
        segments = [indices.with_values(tf.gather(tokens.values, indices.values))]
        if query is not None:
            segments.insert(0, tf.gather(query, window_to_example))
        return self._pack(segments, seq_length), window_to_example


def _room(
    tokens: tf.RaggedTensor, query: tf.RaggedTensor | None, seq_length: tf.Tensor
) -> tf.Tensor:
    """Returns, int32 [B], how many tokens of each document a window holds."""
    if query is None:
        return tf.fill([tokens.nrows(out_type=tf.int32)], seq_length - 2)
    sizes = [tokens.nrows(), query.nrows()]
    same_size = graph_checks.check(
        sizes[0] == sizes[1], "tokens and query must have equal batch sizes, got", *sizes
    )
    with tf.control_dependencies([same_size]):
        rows = tf.range(tf.identity(sizes[0]))
    return seq_length - 3 - tf.cast(tf.gather(query.row_lengths(), rows), tf.int32)


def _checks(room: tf.Tensor, seq_length: tf.Tensor, stride: tf.Tensor) -> list[tf.Operation]:
    least = tf.reduce_min(room)
    checks = [
        graph_checks.check(least > 0, "seq_length leaves no room for tokens, got", seq_length)
    ]
    covers = (stride > 0) & (stride <= tf.maximum(least, 1))
    message = "stride must be at least 1 and at most the tokens of a window, got"
    return [*checks, graph_checks.check(covers, message, stride, "where a window holds", least)]
