"""Text to ids and back, step by step as a tokenizer of Hugging Face's libraries does it.

    engine = hugging_face_tokenizer.HuggingFaceTokenizer(tokenizer_json.read("tokenizer.json"))
    ids, starts, limits = engine.encode_with_offsets(sentences)

First the added tokens are found in the raw text, so that `[MASK]` is one token. What is between is
tokenized by itself.
"""

import numpy as np
import tensorflow as tf

from preprocess.tokenizers import (
    added_tokens,
    sentencepiece_tokenizer,
    unigram_tokenizer,
)
from preprocess.vocabulary import hugging_face, word_starts

_Inner = unigram_tokenizer.UnigramTokenizer | sentencepiece_tokenizer.SentencePieceTokenizer


class HuggingFaceTokenizer(tf.Module):
    """Encodes and decodes text.

    Attributes:
      vocabulary: the tokenizer as data.
      boundary: RE2 of one character that parts text into independent halves, or None.
      starts_word: bool [V], whether an id starts a word.
    """

    def __init__(self, tokenizer: hugging_face.HuggingFaceTokenizer) -> None:
        """Makes the tables.

        Args:
          tokenizer: what to do.
        """
        super().__init__()
        self.vocabulary = tokenizer
        self.boundary = None
        self._inner = _inner(tokenizer)
        self.starts_word = _starts_word(tokenizer)
        tokens = {token.content: token for token in tokenizer.added_tokens if not token.normalized}
        self._tokens = added_tokens.AddedTokens(tokens) if tokens else None

    def encode(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""
        if self._tokens is None:
            return self._inner.encode(sentences)
        return self._tokens.encode(sentences, self._inner.encode)

    def encode_with_offsets(self, sentences: tf.Tensor) -> added_tokens.IdsWithOffsets:
        """Returns the ids of `encode` and the bytes of the sentences where they start and end.

        Returns:
          ids int32, starts and limits int64, all [B, (tokens)].
        """
        if self._tokens is None:
            return self._inner.encode_with_offsets(sentences)
        return self._tokens.encode_with_offsets(sentences, self._inner.encode_with_offsets)

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the normalized text, string [B], of int32 ids [B, (tokens)]."""
        return self._inner.decode(ids)


def _inner(tokenizer: hugging_face.HuggingFaceTokenizer) -> _Inner:
    return unigram_tokenizer.UnigramTokenizer(tokenizer)


def _starts_word(tokenizer: hugging_face.HuggingFaceTokenizer) -> np.ndarray:
    own = len(tokenizer.model.vocabulary.pieces)
    starts = word_starts.for_pieces(tokenizer.pieces)
    starts[own:] = True
    return starts
