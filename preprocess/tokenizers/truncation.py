"""Cuts long text before it is tokenized, where only its first tokens are wanted.

Example:
    ids = early_cut.encode_prefix(sentences, count=126, encode=engine.encode, boundary=" ")

Tokenizing is nearly all of the preprocessor's work, and of a long text most of it is thrown away.
Where words are tokenized independently of each other, the text before a space has the same first
tokens as the whole text. So the text is cut before the last space within a generous number of
bytes; a row that then has too few tokens is tokenized again, whole. The result is exact.
"""

from collections.abc import Callable

import tensorflow as tf

# English has 4 to 5 bytes a token, spaces included. More costs time in every row, less makes more
# rows cost it twice.
_BYTES_PER_TOKEN = 6


def encode_prefix(
    sentences: tf.Tensor,
    *,
    count: int,
    encode: Callable[[tf.Tensor], tf.RaggedTensor],
    boundary: str,
) -> tf.RaggedTensor:
    """Returns at least the first tokens of every sentence, the same as of the whole sentence.

    Args:
      sentences: string [B].
      count: how many tokens are wanted of each.
      encode: from string [N] to ids, int32 [N, (tokens)].
      boundary: RE2 of one character such that `encode` gives the text before it the same ids
        whatever follows.

    Returns:
      ids, int32 [B, (tokens)]: the first `count` or more of every row, all of a shorter one.
    """
    limit = count * _BYTES_PER_TOKEN
    # Everything before the last boundary, or nothing; \C is any byte, also of half a character.
    before_boundary = rf"^(?:(\C*){boundary})?\C*$"
    is_long = tf.strings.length(sentences) > limit  # [B]

    def encode_cut() -> tf.RaggedTensor:
        kept = tf.strings.substr(sentences, 0, limit)
        kept = tf.strings.regex_replace(kept, before_boundary, r"\1", replace_global=False)
        ids = encode(tf.where(is_long, kept, sentences))
        too_short = is_long & (ids.row_lengths() < count)
        return tf.cond(tf.reduce_any(too_short), lambda: encode_again(ids, too_short), lambda: ids)

    def encode_again(ids: tf.RaggedTensor, too_short: tf.Tensor) -> tf.RaggedTensor:
        whole = encode(tf.boolean_mask(sentences, too_short))
        # Rows of `ids`, and for those that were too short the rows behind them.
        number = tf.cast(too_short, tf.int64)
        again = ids.nrows() + tf.cumsum(number, exclusive=True)
        rows = tf.where(too_short, again, tf.range(ids.nrows()))
        return tf.gather(tf.concat([ids, whole], axis=0), rows)

    return tf.cond(tf.reduce_any(is_long), encode_cut, lambda: encode(sentences))
