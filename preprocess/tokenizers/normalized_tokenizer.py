"""What the models of `tokenizers` have in common: text is normalized, then segmented.

    class MyTokenizer(normalized_tokenizer.NormalizedTokenizer):  # with the methods that are below

Added tokens that are looked for in normalized text are found between the two.
"""

import abc

import tensorflow as tf

from preprocess.normalization import hugging_face as normalization
from preprocess.normalization import offsets, ragged_rows
from preprocess.tokenizers import added_tokens
from preprocess.vocabulary import hugging_face


class NormalizedTokenizer(tf.Module, abc.ABC):
    """Normalizes, finds the added tokens of normalized text, and segments what is between."""

    def __init__(
        self,
        tokenizer: hugging_face.HuggingFaceTokenizer,
        normalize: normalization.HuggingFaceNormalization,
    ) -> None:
        super().__init__()
        self._normalize = normalize
        tokens = [token for token in tokenizer.added_tokens if token.normalized]
        self._tokens = added_tokens.of_normalized(tokens, normalize)

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns the normalized texts, string [B], of string [B].

        What a class does beyond the steps may only take something away at the end: offsets do not
        know of it.
        """
        return self._normalize(texts)

    def encode(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""
        normalized = self.normalize(texts)
        if self._tokens:
            return self._tokens.encode(normalized, self._segment)
        return self._segment(normalized)

    def encode_with_offsets(self, texts: tf.Tensor) -> added_tokens.IdsWithOffsets:
        """Returns the ids of `encode` and the bytes of the texts where they start and end.

        Returns:
          ids int32, starts and limits int64, all [B, (tokens)].
        """
        normalized = self.normalize(texts)
        ids, starts, limits = (
            self._tokens.encode_with_offsets(normalized, self._segment_with_offsets)
            if self._tokens
            else self._segment_with_offsets(normalized)
        )
        original = offsets.to_original(
            self._normalize.align(texts),
            starts.values,
            limits.values,
            rows=ragged_rows.of(ids),
            may_be_empty=self._may_be_empty(ids.values),
        )
        return ids, *(ids.with_values(part) for part in original)

    @abc.abstractmethod
    def _segment(self, normalized: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of normalized texts, string [B]."""

    @abc.abstractmethod
    def _segment_with_offsets(self, normalized: tf.Tensor) -> added_tokens.IdsWithOffsets:
        """Returns the ids of `_segment` and the bytes of the normalized texts, int64."""

    @abc.abstractmethod
    def _may_be_empty(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns, bool [T], which tokens, int32 [T], may stand for no byte of the text."""
