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
    count: int,
    encode: Callable[[tf.Tensor], tf.RaggedTensor],
    boundary: str,
) -> tf.RaggedTensor:
    """Returns at least the first `count` ids of every sentence.

    Args:
      sentences: string [B].
      count: number of ids wanted per sentence.
      encode: from string [N] to ids, int32 [N, (tokens)].
      boundary: RE2 of one character such that the ids of the text before it do not depend on the
        text after it.

    Returns:
      int32 [B, (tokens)]: the first `count` or more ids of every sentence, all of a shorter one.
    """
    limit = count * _BYTES_PER_TOKEN
    # The text before the last boundary, or nothing. \C matches any byte, also of a cut character.
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
        # Rows of `ids`, or of `whole` behind them for sentences that were too short.
        number = tf.cast(too_short, tf.int64)
        again = ids.nrows() + tf.cumsum(number, exclusive=True)
        rows = tf.where(too_short, again, tf.range(ids.nrows()))
        return tf.gather(tf.concat([ids, whole], axis=0), rows)

    return tf.cond(tf.reduce_any(is_long), encode_cut, lambda: encode(sentences))
