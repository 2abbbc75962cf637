"""Cuts long text before tokenization if only its first tokens are wanted.

Example:
    ids = truncation.encode_prefix(sentences, count=126, encode=tokenizer.encode, boundary=" ")

Tokenization takes most of the preprocessor's time, and most tokens of a long text are discarded.
If words are tokenized independently, the text before a space has the same first tokens as the whole
text. So the text is cut before the last space within a generous number of bytes. A row with too few
tokens is tokenized again without the cut. The result is exact.
"""

from collections.abc import Callable

import tensorflow as tf

# English has 4 to 5 bytes per token, spaces included. A larger number costs time in every row; with
# a smaller one, more rows are tokenized twice.
_BYTES_PER_TOKEN = 6


def encode_prefix(
    sentences: tf.Tensor,
    *,
    count: int | tf.Tensor,
    encode: Callable[[tf.Tensor], tf.RaggedTensor],
    boundary: str,
) -> tf.RaggedTensor:
    """Returns at least the first `count` ids of every sentence.

    Args:
      sentences: string [B].
      count: number of ids wanted per sentence, int32 [].
      encode: from string [N] to ids, int32 [N, (tokens)].
      boundary: RE2 of one character such that the ids of the text before it do not depend on the
        text after it.

    Returns:
      int32 [B, (tokens)]: the first `count` or more ids of every sentence, all of a shorter one.
    """
    is_long = tf.strings.length(sentences) > count * _BYTES_PER_TOKEN  # [B]

    # A loop, because `encode` is many ops: so the graph has them once.
    def encode_pending(
        texts: tf.Tensor, is_pending: tf.Tensor, is_cut: tf.Tensor, ids: tf.RaggedTensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.RaggedTensor]:
        new = encode(texts)
        rows = tf.range(ids.nrows()) + ids.nrows() * tf.cast(is_pending, tf.int64)
        is_too_short = is_cut & (new.row_lengths() < tf.cast(count, tf.int64))
        return (
            tf.where(is_too_short, sentences, ""),
            is_too_short,
            tf.zeros_like(is_cut),
            tf.gather(tf.concat([ids, new], axis=0), rows),
        )

    texts = tf.cond(
        tf.reduce_any(is_long),
        lambda: tf.where(is_long, _cut(sentences, count, boundary), sentences),
        lambda: sentences,
    )
    strings = tf.TensorShape([None])
    *_, ids = tf.while_loop(
        lambda _, is_pending, *__: tf.reduce_any(is_pending),
        encode_pending,
        (texts, tf.ones_like(is_long), is_long, _no_ids(sentences)),
        shape_invariants=(strings, strings, strings, tf.RaggedTensorSpec([None, None], tf.int32)),
        maximum_iterations=2,
    )
    return ids


def _cut(sentences: tf.Tensor, count: int | tf.Tensor, boundary: str) -> tf.Tensor:
    """Returns what is before the last boundary, or nothing, within enough bytes for the tokens."""
    kept = tf.strings.substr(sentences, 0, count * _BYTES_PER_TOKEN)
    # \C matches any byte, also of a cut character.
    pattern = rf"^(?:(\C*){boundary})?\C*$"
    return tf.strings.regex_replace(kept, pattern, r"\1", replace_global=False)


def _no_ids(sentences: tf.Tensor) -> tf.RaggedTensor:
    """Returns empty rows, int32 [B, (0)]."""
    lengths = tf.zeros_like(sentences, tf.int64)
    return tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), lengths, validate=False)
