"""Text without added tokens to ids, as a Unigram model of Hugging Face's `tokenizers` has them.

    engine = unigram_tokenizer.UnigramTokenizer(tokenizer)
    ids, starts, limits = engine.encode_with_offsets(texts)

Every word is segmented by itself, as the library does it: SentencePiece adds up 32-bit scores, and
over a long text their rounding decides between segmentations that are equally good.
"""

import tensorflow as tf

from preprocess.normalization import hugging_face as normalization
from preprocess.normalization import pieces, ragged_rows, unicode_sets
from preprocess.tokenizers import added_tokens, normalized_tokenizer, sentencepiece_op
from preprocess.vocabulary import hugging_face, sentencepiece_model

_LAST = f"[{unicode_sets.WHITE_SPACE}]+$"


class UnigramTokenizer(normalized_tokenizer.NormalizedTokenizer):
    """Segments words by the scores of their pieces."""

    def __init__(self, tokenizer: hugging_face.HuggingFaceTokenizer) -> None:
        """Loads the model into the graph's resource.

        Args:
          tokenizer: with a `Unigram` model.

        Raises:
          TypeError: it has another model.
        """
        model = tokenizer.model
        if not isinstance(model, hugging_face.Unigram):
            raise TypeError(f"needs a Unigram model, got {type(model).__name__}")
        normalize = normalization.HuggingFaceNormalization(
            tokenizer.steps, spaces_only=model.splits_at_white_space
        )
        super().__init__(tokenizer, normalize)
        self._keeps_last_space = not model.splits_at_white_space
        self._strips_last = model.strips_last
        self._op = sentencepiece_op.SentencePieceOp(model.proto)
        self._space_id = tokenizer.pieces.index(sentencepiece_model.SPACE)

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns what is segmented, string [B], of string [B]."""
        normalized = super().normalize(texts)
        if not self._strips_last:
            return normalized
        return tf.strings.regex_replace(normalized, _LAST, "", replace_global=False)

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the normalized text, string [B], of int32 ids [B, (tokens)]."""
        return self._op.decode(ids)

    def _segment(self, normalized: tf.Tensor) -> tf.RaggedTensor:
        words = tf.strings.split(normalized, " ")
        ids = self._op.encode(words.values)
        ids = _rows(ids, words.row_splits)
        if not self._keeps_last_space:
            return ids
        return tf.concat([ids, self._spaces(_last_space(normalized))], axis=1)

    def _segment_with_offsets(self, normalized: tf.Tensor) -> added_tokens.IdsWithOffsets:
        words = pieces.split(normalized, " +")
        ids, starts, limits = self._op.encode_with_offsets(words.contents(normalized))
        shift = tf.gather(words.starts, ragged_rows.of(ids))
        splits = words.row_splits(normalized)
        ids, starts, limits = (
            _rows(part, splits)
            for part in (
                ids,
                starts.with_values(starts.values + shift),
                limits.with_values(limits.values + shift),
            )
        )
        if not self._keeps_last_space:
            return ids, starts, limits
        last = _last_space(normalized)
        return (
            tf.concat([ids, self._spaces(last)], axis=1),
            tf.concat([starts, last], axis=1),
            tf.concat([limits, last.with_values(last.values + 1)], axis=1),
        )

    def _may_be_empty(self, ids: tf.Tensor) -> tf.Tensor:
        return ids == self._space_id

    def _spaces(self, places: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns as many pieces of a lone space as there are places."""
        return places.with_values(tf.fill(tf.shape(places.values), self._space_id))


def _rows(words: tf.RaggedTensor, row_splits: tf.Tensor) -> tf.RaggedTensor:
    """Returns what belongs to words, [W, (tokens)], by text, [B, (tokens)]."""
    splits = tf.gather(words.row_splits, row_splits)
    return tf.RaggedTensor.from_row_splits(words.values, splits, validate=False)


def _last_space(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns the byte of the space at each text's end, int64 [B, (0 or 1)]."""
    ends = tf.strings.regex_full_match(texts, r"(?s).* ")
    places = tf.cast(tf.strings.length(texts), tf.int64) - 1
    return tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(places, ends), tf.cast(ends, tf.int64), validate=False
    )
