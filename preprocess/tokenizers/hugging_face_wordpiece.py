"""Text without added tokens to ids, as a WordPiece model of Hugging Face's `tokenizers` has them.

    engine = hugging_face_wordpiece.HuggingFaceWordPiece(tokenizer)
    ids, starts, limits = engine.encode_with_offsets(texts)

Words are BERT's: white space parts them, and a punctuation mark is a word of its own.
"""

import tensorflow as tf
import tensorflow_text as text

from preprocess.normalization import hugging_face as normalization
from preprocess.normalization import pieces, ragged_rows, unicode_sets
from preprocess.tokenizers import added_tokens, normalized_tokenizer
from preprocess.vocabulary import hugging_face, wordpiece_vocabulary

_WHITE_SPACE = f"[{unicode_sets.WHITE_SPACE}]+"
_MAX_BYTES = 4  # of a character in UTF-8
_UNKNOWN_WORD = "\ufffd\ufffd"  # not a token: `clean_text` removes it, and it continues nothing


class HuggingFaceWordPiece(normalized_tokenizer.NormalizedTokenizer):
    """Takes words apart."""

    def __init__(self, tokenizer: hugging_face.HuggingFaceTokenizer) -> None:
        """Makes the table of tokens.

        Args:
          tokenizer: with a `WordPiece` model.

        Raises:
          TypeError: it has another model.
        """
        model = tokenizer.model
        if not isinstance(model, hugging_face.WordPiece):
            raise TypeError(f"needs a WordPiece model, got {type(model).__name__}")
        normalize = normalization.HuggingFaceNormalization(tokenizer.steps, spaces_only=False)
        words = f"{_WHITE_SPACE}|{unicode_sets.punctuation()}"
        pieces_by_id = tf.constant(tokenizer.pieces)
        own = model.vocabulary.pieces[: model.size]
        wordpiece = text.WordpieceTokenizer(
            tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(own), tf.range(len(own), dtype=tf.int64)
                ),
                default_value=-1,
            ),
            suffix_indicator=wordpiece_vocabulary.CONTINUES,
            max_bytes_per_word=_MAX_BYTES * model.max_characters,
            unknown_token=own[tokenizer.unknown_id],
        )
        # Last, because what is made before it numbers the functions of exported graphs.
        super().__init__(tokenizer, normalize)
        self._max_characters = model.max_characters
        self._words = words
        self._pieces = pieces_by_id
        self._wordpiece = wordpiece

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the text, words apart, string [B], of int32 ids [B, (tokens)]."""
        found = ids.with_values(tf.gather(self._pieces, ids.values))
        words = tf.strings.reduce_join(found, axis=1, separator=" ")
        return tf.strings.regex_replace(words, f" {wordpiece_vocabulary.CONTINUES}", "")

    def _segment(self, normalized: tf.Tensor) -> tf.RaggedTensor:
        return self._segment_with_offsets(normalized)[0]

    def _segment_with_offsets(self, normalized: tf.Tensor) -> added_tokens.IdsWithOffsets:
        words = pieces.split(normalized, self._words)
        contents = words.contents(normalized)
        is_space = tf.strings.regex_full_match(contents, _WHITE_SPACE)
        is_long = tf.strings.length(contents, unit="UTF8_CHAR") > self._max_characters
        shown = tf.where(is_long, _UNKNOWN_WORD, contents)
        ids, starts, limits = self._wordpiece.tokenize_with_offsets(tf.where(is_space, "", shown))
        rows = ragged_rows.of(ids)
        sizes = tf.cast(tf.strings.length(contents), tf.int64)
        last = tf.where(tf.gather(is_long, rows), tf.gather(sizes, rows), limits.values)
        shift = tf.gather(words.starts, rows)
        kept = ~tf.gather(is_space, rows)
        found = (tf.cast(ids.values, tf.int32), starts.values + shift, last + shift)
        splits = tf.gather(ids.row_splits, words.row_splits(normalized))
        before = tf.pad(tf.cumsum(tf.cast(kept, tf.int64)), [[1, 0]])
        splits = tf.gather(before, splits)
        ids, starts, limits = (
            tf.RaggedTensor.from_row_splits(tf.boolean_mask(part, kept), splits, validate=False)
            for part in found
        )
        return ids, starts, limits

    def _may_be_empty(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.zeros_like(ids, tf.bool)
