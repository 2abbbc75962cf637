"""Text to ids and back with BERT's tokenizer, for models that come with a `vocab.txt`.

Example:
    tokenizer = wordpiece_tokenizer.WordPieceTokenizer(vocabulary, lower_case=True)
    ids, starts, limits = tokenizer.encode_with_offsets(sentences)

The ids are those of `text.BertTokenizer`, which TF Hub's BERT preprocessors use. Its offsets point
into the lower-cased text; these point into the original.
"""

import tensorflow as tf
import tensorflow_text as text

from preprocess.normalization import offsets, ragged_rows, tf_hub
from preprocess.vocabulary import word_starts, wordpiece_vocabulary


class WordPieceNormalization(tf.Module):
    """Normalizes text as `text.BasicTokenizer` does before it splits it.

    With `lower_case` it also folds case and removes nonspacing marks.
    """

    def __init__(self, *, lower_case: bool) -> None:
        super().__init__()
        self._lower_case = lower_case
        self._joining = tf_hub.joining()

    def __call__(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns the normalized text, string [B], of string [B]."""
        if self._lower_case:
            sentences = tf_hub.without_many_marks(sentences)
            folded = text.normalize_utf8(text.case_fold_utf8(sentences), "NFD")
            sentences = tf.strings.regex_replace(folded, r"\p{Mn}", "")
        return tf.strings.regex_replace(sentences, r"\p{Cc}|\p{Cf}", " ")

    def align(self, sentences: tf.Tensor) -> offsets.Units:
        """Returns the units of string [B] that are normalized independently."""
        characters = offsets.Characters.from_strings(sentences)
        return offsets.units(
            characters, joins=self._joining.contains(characters.code_points), normalize=self
        )


class WordPieceTokenizer(tf.Module):
    """Encodes and decodes text with a WordPiece vocabulary.

    Attributes: see `tokenize.Tokenizer`. The boundary is a space, or an ideograph, because each
    ideograph is a word.
    """

    boundary = r"[ \x{3400}-\x{4dbf}\x{4e00}-\x{9fff}]"

    def __init__(
        self, vocabulary: wordpiece_vocabulary.WordPieceVocabulary, *, lower_case: bool
    ) -> None:
        """Makes the table of tokens; `lower_case` is for uncased vocabularies."""
        super().__init__()
        self.vocabulary = vocabulary
        self.starts_word = word_starts.for_wordpieces(vocabulary.pieces)
        self._normalize = WordPieceNormalization(lower_case=lower_case)
        # From tensors: TensorFlow would name the table of a file by the file's path.
        self._pieces = tf.constant(vocabulary.pieces)
        ids = tf.range(vocabulary.vocab_size, dtype=tf.int64)
        initializer = tf.lookup.KeyValueTensorInitializer(self._pieces, ids)
        self._table = tf.lookup.StaticHashTable(initializer, default_value=-1)
        self._bert = text.BertTokenizer(
            self._table,
            unknown_token=wordpiece_vocabulary.SPECIAL_TOKENS["unknown_id"],
            lower_case=False,
        )

    def encode(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""
        ids = self._bert.tokenize(self._normalize(sentences))  # [B, (words), (tokens)]
        return tf.cast(ids.merge_dims(1, 2), tf.int32)

    def encode_with_offsets(
        self, sentences: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Returns ids int32, start and limit offsets int64, all [B, (tokens)], of string [B]."""
        words = self._bert.tokenize_with_offsets(self._normalize(sentences))
        ids, starts, limits = (tensor.merge_dims(1, 2) for tensor in words)
        original = offsets.to_original(
            self._normalize.align(sentences),
            starts.values,
            limits.values,
            rows=ragged_rows.of(ids),
            may_be_empty=tf.zeros_like(ids.values, tf.bool),
        )
        return tf.cast(ids, tf.int32), *map(ids.with_values, original)

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the text, string [B], of int32 ids [B, (tokens)], with spaces between words."""
        pieces = ids.with_values(tf.gather(self._pieces, ids.values))
        words = tf.strings.reduce_join(pieces, axis=1, separator=" ")
        return tf.strings.regex_replace(words, f" {wordpiece_vocabulary.CONTINUES}", "")
