"""Strings to ids and back: the `tokenize` and `tokenize_with_offsets` objects of the preprocessor.

Example:
    step = tokenize.Tokenize(engines.make(model, tokenization="hub", lower_case=True))
    ids = step(tf.constant(["Hello TensorFlow!"]))  # RaggedTensor, int32 [B, (tokens)]
    step.detokenize(ids)  # ["hello tensorflow!"]
"""

from typing import Protocol

import numpy as np
import tensorflow as tf

from preprocess.steps import graph_checks

SENTENCES = tf.TensorSpec([None], tf.string, "sentences")
_IDS = (tf.RaggedTensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.int32))


class SpecialTokens(Protocol):
    """Ids of padding, `[CLS]`, `[SEP]` and `[MASK]`, and the number of ids, named as by TF Hub."""

    @property
    def padding_id(self) -> int: ...

    @property
    def start_of_sequence_id(self) -> int: ...

    @property
    def end_of_segment_id(self) -> int: ...

    @property
    def mask_id(self) -> int: ...

    @property
    def vocab_size(self) -> int: ...


class Tokenizer(Protocol):
    """Encodes text to ids and decodes ids to text, with one vocabulary.

    Attributes:
      vocabulary: has the special ids.
      boundary: RE2 of one character; the ids of the text before it depend neither on it nor on the
        text after it. None if there is no such character.
      starts_word: bool [V], whether an id starts a word.
    """

    vocabulary: SpecialTokens
    boundary: str | None
    starts_word: np.ndarray

    def encode(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""

    def encode_with_offsets(
        self, sentences: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Returns ids int32, start and limit offsets int64, all [B, (tokens)], of string [B]."""

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the text, string [B], of int32 ids [B, (tokens)] without special tokens."""


def special_ids(vocabulary: SpecialTokens) -> dict[str, int]:
    """Returns the ids of padding, `[CLS]`, `[SEP]` and `[MASK]` by name."""
    names = ("padding_id", "start_of_sequence_id", "end_of_segment_id", "mask_id")
    return {name: getattr(vocabulary, name) for name in names}


class Tokenize(tf.Module):
    """Turns sentences into ids."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Traces `detokenize`, whose ids may be ragged or dense."""
        super().__init__()
        self._engine = tokenizer  # exported graphs contain the attribute's name
        for spec in _IDS:
            self.detokenize.get_concrete_function(spec)

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B], without special tokens."""
        return self._engine.encode(sentences)

    @tf.function(autograph=False)
    def detokenize(self, ids: tf.RaggedTensor | tf.Tensor) -> tf.Tensor:
        """Returns the normalized text of ids.

        Args:
          ids: int32 [B, (tokens)] or [B, S], packed rows included: padding, `[CLS]`, `[SEP]` and
            `[MASK]` give no text. Unknown tokens do.

        Returns:
          string [B].

        Raises:
          tf.errors.InvalidArgumentError: an id is outside the vocabulary.
        """
        if isinstance(ids, tf.Tensor):
            batch_size, length = tf.unstack(tf.shape(ids, tf.int64))
            return self._detokenize(tf.reshape(ids, [-1]), tf.range(batch_size + 1) * length)
        return self._detokenize(ids.values, ids.row_splits)

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int64)],
        autograph=False,
    )
    def _detokenize(self, ids: tf.Tensor, splits: tf.Tensor) -> tf.Tensor:
        vocab_size = self._engine.vocabulary.vocab_size
        is_known = (ids >= 0) & (ids < vocab_size)
        checked = graph_checks.check(
            tf.reduce_all(is_known),
            f"ids must be at least 0 and less than vocab_size {vocab_size}, got",
            tf.boolean_mask(ids, ~is_known),
        )
        with tf.control_dependencies([checked]):
            ids = tf.identity(ids)
        specials = tf.constant([*special_ids(self._engine.vocabulary).values()], tf.int32)
        is_text = tf.reduce_all(ids[:, tf.newaxis] != specials, axis=1)
        kept = tf.pad(tf.cumsum(tf.cast(is_text, tf.int64)), [[1, 0]])  # ids of text before each id
        values, splits = tf.boolean_mask(ids, is_text), tf.gather(kept, splits)
        return self._engine.decode(tf.RaggedTensor.from_row_splits(values, splits, validate=False))

    @tf.function(input_signature=[], autograph=False)
    def get_special_tokens_dict(self) -> dict[str, tf.Tensor]:
        """Returns int32 scalars by the names of TF Hub's preprocessor API.

        `padding_id`, `start_of_sequence_id`, `end_of_segment_id`, `mask_id` and `vocab_size`.
        """
        vocabulary = self._engine.vocabulary
        values = {**special_ids(vocabulary), "vocab_size": vocabulary.vocab_size}
        return {name: tf.constant(value, tf.int32) for name, value in values.items()}


class TokenizeWithOffsets(tf.Module):
    """Turns sentences into ids and their offsets in the original text."""

    def __init__(self, tokenizer: Tokenizer, *, tokenize: Tokenize) -> None:
        """Takes the tokenizer, and `get_special_tokens_dict` of `tokenize`."""
        super().__init__()
        self._engine = tokenizer
        self.get_special_tokens_dict = tokenize.get_special_tokens_dict

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(
        self, sentences: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Returns the ids of `tokenize` and their byte offsets in the original sentences.

        The bytes from a start to its limit, normalized, are the token's text, except that:
        - a token gets the whole of a character of which it has a part (`\u00bd`, `\ufb01`), and the
          whole of characters that form one (a letter with its marks, a Hangul syllable);
        - the space that begins a word's first token is left out; a token of that space alone gets
          the whitespace, or at the start of a text without whitespace an empty range;
        - control characters that SentencePiece drops belong to a token beside them;
        - bytes that are not UTF-8 become U+FFFD, an unknown token.
        Starts and limits never decrease along a row and never split a UTF-8 character.

        Args:
          sentences: string [B].

        Returns:
          ids int32, start_offsets and limit_offsets int64, all [B, (tokens)].
        """
        return self._engine.encode_with_offsets(sentences)
