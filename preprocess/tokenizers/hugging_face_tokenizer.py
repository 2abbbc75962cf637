"""Text to ids and back, step by step as a tokenizer of Hugging Face's libraries does it.

    engine = hugging_face_tokenizer.HuggingFaceTokenizer(tokenizer_json.read("tokenizer.json"))
    ids, starts, limits = engine.encode_with_offsets(sentences)

First the added tokens are found in the raw text, so that `[MASK]` is one token. What is between is
tokenized by itself.
"""

import numpy as np
import tensorflow as tf

from preprocess.normalization import original, unicode_sets
from preprocess.tokenizers import (
    added_tokens,
    digit_comma,
    hugging_face_wordpiece,
    sentencepiece_tokenizer,
    unigram_tokenizer,
)
from preprocess.vocabulary import hugging_face, word_starts

_Inner = (
    unigram_tokenizer.UnigramTokenizer
    | sentencepiece_tokenizer.SentencePieceTokenizer
    | hugging_face_wordpiece.HuggingFaceWordPiece
)
_IDEOGRAPHS = hugging_face.SeparateIdeographs()


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
        self.boundary = _boundary(tokenizer)
        self.starts_word = _starts_word(tokenizer)
        self._inner = _inner(tokenizer)
        if isinstance(tokenizer.model, hugging_face.SlowAlbert):
            self._tokens = _tokens_of_slow_albert(tokenizer)
        else:
            raw = {token.content: token for token in tokenizer.added_tokens if not token.normalized}
            self._tokens = added_tokens.AddedTokens(raw) if raw else None

    def normalize(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns text without added tokens as it is segmented, string [B], of string [B]."""
        return self._inner.normalize(sentences)

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
    model = tokenizer.model
    if isinstance(model, hugging_face.Unigram):
        return unigram_tokenizer.UnigramTokenizer(tokenizer)
    if isinstance(model, hugging_face.WordPiece):
        return hugging_face_wordpiece.HuggingFaceWordPiece(tokenizer)
    return sentencepiece_tokenizer.SentencePieceTokenizer(
        model.vocabulary,
        normalize=original.OriginalNormalization(
            lower_case=model.lower_case,
            keep_accents=model.keep_accents,
            remove_space=model.remove_space,
            albert_tokenizer=True,
        ),
        resplit=digit_comma.DigitComma.from_model(model.vocabulary, keep_space=False),
    )


def _tokens_of_slow_albert(
    tokenizer: hugging_face.HuggingFaceTokenizer,
) -> added_tokens.AddedTokens | None:
    """Returns what finds added tokens where the text is lower-cased first, but for some of them.

    `PreTrainedTokenizer.tokenize` spares special tokens and those with `normalized`, as they are
    written: `<unk>` is found in `<UNK>`, and `[MASK]` is not in `[mask]`.
    """
    found = tokenizer.added_tokens
    any_case = set()
    if tokenizer.lower_case:
        lower = {token for token in found if token.content == token.content.lower()}
        found = tuple(t for t in found if t.special or t.normalized or t in lower)
        any_case = {token.content for token in lower}
    tokens = {token.content: token for token in found}
    return added_tokens.AddedTokens(tokens, any_case=any_case) if tokens else None


def _boundary(tokenizer: hugging_face.HuggingFaceTokenizer) -> str | None:
    """Returns what parts text into halves that are tokenized independently, if anything does."""
    model = tokenizer.model
    contents = "".join(token.content for token in tokenizer.added_tokens)
    if isinstance(model, hugging_face.Unigram):
        parts = model.splits_at_white_space
    elif isinstance(model, hugging_face.SlowAlbert):
        parts = model.remove_space and model.vocabulary.splits_at_spaces
    else:
        parts = True
    # What a step looks for: where it has a boundary in it, it may join what the boundary parts.
    sought = "".join(s.old for s in tokenizer.steps if isinstance(s, hugging_face.Replace))
    maps = [s.rules for s in tokenizer.steps if isinstance(s, hugging_face.MapCharacters)]
    sought += "".join(key for m in maps for key in (*m.characters, *m.pairs) if " " in key)
    if not parts or " " in contents + sought:
        return None
    # A letter touches an ideograph, so that one decides about a `single_word` token before it.
    is_parted = not maps and not any(token.single_word for token in tokenizer.added_tokens)
    if _IDEOGRAPHS in tokenizer.steps and is_parted and (contents + sought).isascii():
        return f"[ {unicode_sets.IDEOGRAPHS}]"
    return " "


def _starts_word(tokenizer: hugging_face.HuggingFaceTokenizer) -> np.ndarray:
    """Returns, bool [V], which ids start a word; every added token does."""
    if isinstance(tokenizer.model, hugging_face.WordPiece):
        starts = word_starts.for_wordpieces(tokenizer.pieces)
    else:
        starts = word_starts.for_pieces(tokenizer.pieces)
    starts[[token.id for token in tokenizer.added_tokens]] = True
    return starts
