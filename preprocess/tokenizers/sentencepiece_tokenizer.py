"""Text to ids and back with a SentencePiece model: normalization, segmentation, and offsets.

Example:
    engine = sentencepiece_tokenizer.SentencePieceTokenizer(
        model, normalize=hub_normalization.TfHubNormalization(lower_case=True)
    )
    ids, starts, limits = engine.encode_with_offsets(sentences)
"""

from typing import Protocol

import tensorflow as tf

from preprocess.normalization import offsets
from preprocess.tokenizers import digit_comma, sentencepiece_op
from preprocess.vocabulary import sentencepiece_model, word_starts


class Normalization(Protocol):
    """From text to what SentencePiece segments, with a map back."""

    def __call__(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns the normalized text, string [B], of string [B]."""

    def align(self, sentences: tf.Tensor) -> offsets.Units:
        """Returns the parts of string [B] that are normalized independently."""


class SentencePieceTokenizer(tf.Module):
    """Encodes and decodes text; both tokenizations of ALBERT's vocabularies are instances.

    Attributes:
      vocabulary: the model.
      boundary: a space, where what it separates is encoded independently, or None.
      starts_word: bool [V], whether an id starts a word.
    """

    def __init__(
        self,
        model: sentencepiece_model.SentencePieceModel,
        *,
        normalize: Normalization,
        resplit: digit_comma.DigitComma | None = None,
    ) -> None:
        """Loads the model into the graph's resource.

        Args:
          model: the vocabulary.
          normalize: what is done to the text first.
          resplit: what is done to the pieces afterwards, if anything.
        """
        super().__init__()
        self.vocabulary = model
        self.boundary = " " if model.splits_at_spaces else None
        self.starts_word = word_starts.for_pieces(model.pieces)
        self._op = sentencepiece_op.SentencePieceOp(model.proto)
        self._normalize = normalize
        self._resplit = resplit
        # A vocabulary without the piece cannot emit it, whatever id it does not have.
        self._space_id = (
            model.pieces.index(sentencepiece_model.SPACE)
            if sentencepiece_model.SPACE in model.pieces
            else -1
        )

    def encode(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""
        ids = self._op.encode(self._normalize(sentences))
        return self._resplit.ids(ids) if self._resplit else ids

    def encode_with_offsets(
        self, sentences: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Returns the ids of `encode` and the bytes of the sentences where they start and end.

        Returns:
          ids int32, starts and limits int64, all [B, (tokens)].
        """
        pieces = self._op.encode_with_offsets(self._normalize(sentences))
        ids, starts, limits = self._resplit.ids_with_offsets(*pieces) if self._resplit else pieces
        original = offsets.to_original(
            self._normalize.align(sentences),
            starts.values,
            limits.values,
            rows=ids.value_rowids(),
            may_be_empty=ids.values == self._space_id,
        )
        return ids, *(ids.with_values(part) for part in original)

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the normalized text, string [B], of int32 ids [B, (tokens)]."""
        return self._op.decode(ids)
