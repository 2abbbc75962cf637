"""Text to ids and back with a SentencePiece model: normalization, segmentation, and offsets.

Example:
    tokenizer = sentencepiece_tokenizer.SentencePieceTokenizer(
        model, normalize=tf_hub.TfHubNormalization(lower_case=True)
    )
    ids, starts, limits = tokenizer.encode_with_offsets(sentences)
"""

from typing import Protocol

import tensorflow as tf

from preprocess.normalization import offsets, ragged_rows
from preprocess.tokenizers import digit_comma, sentencepiece_op
from preprocess.vocabulary import sentencepiece_model, word_starts


class Normalization(Protocol):
    """Normalizes text for SentencePiece, and maps the result back to the text."""

    def __call__(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns the normalized text, string [B], of string [B]."""

    def align(self, sentences: tf.Tensor) -> offsets.Units:
        """Returns the units of string [B] that are normalized independently."""


class SentencePieceTokenizer(tf.Module):
    """Encodes and decodes text, for both tokenizations of ALBERT's vocabularies.

    Attributes: see `tokenize.Tokenizer`. The boundary is a space, or None for a model whose pieces
    may span one.
    """

    def __init__(
        self,
        model: sentencepiece_model.SentencePieceModel,
        *,
        normalize: Normalization,
        resplit: digit_comma.DigitComma | None = None,
    ) -> None:
        """Loads the model into a resource of the graph.

        Args:
          model: the vocabulary.
          normalize: normalizes the text before segmentation.
          resplit: splits pieces again after segmentation; None for no second split.
        """
        super().__init__()
        self.vocabulary = model
        self.boundary = " " if model.splits_at_spaces else None
        self.starts_word = word_starts.for_pieces(model.pieces)
        self._op = sentencepiece_op.SentencePieceOp(model.proto)
        self._normalize = normalize
        self._resplit = resplit
        # -1 equals no id of a vocabulary without the piece.
        space = sentencepiece_model.SPACE
        self._space_id = model.pieces.index(space) if space in model.pieces else -1

    def normalize(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns what is segmented, string [B], of string [B]."""
        return self._normalize(sentences)

    def encode(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""
        ids = self._op.encode(self._normalize(sentences))
        return self._resplit.ids(ids) if self._resplit else ids

    def encode_with_offsets(
        self, sentences: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Returns ids int32, start and limit offsets int64, all [B, (tokens)], of string [B]."""
        pieces = self._op.encode_with_offsets(self._normalize(sentences))
        ids, starts, limits = self._resplit.ids_with_offsets(*pieces) if self._resplit else pieces
        original = offsets.to_original(
            self._normalize.align(sentences),
            starts.values,
            limits.values,
            rows=ragged_rows.of(ids),
            may_be_empty=ids.values == self._space_id,
        )
        return ids, *map(ids.with_values, original)

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the normalized text, string [B], of int32 ids [B, (tokens)]."""
        return self._op.decode(ids)
