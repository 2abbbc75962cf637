"""Finds added tokens in text, and has the text between them tokenized by something else.

    tokens = added_tokens.AddedTokens(tokenizer.added_tokens, white_space=...)
    ids = tokens.encode(texts, encode_rest)  # RaggedTensor, int32 [B, (tokens)]

As `tokenizers` does it (`added_vocabulary.rs`): the leftmost token, of several there the longest.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping

import tensorflow as tf
import tensorflow_text as text

from preprocess.normalization import unicode_sets
from preprocess.vocabulary import hugging_face

IdsWithOffsets = tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]
_WHITE_SPACE = f"[{unicode_sets.WHITE_SPACE}]"
_NOT_FOUND = -1


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Segments:
    """The texts of a batch, cut at added tokens.

    Attributes:
      rest: string [G], the text of a segment; empty for a token.
      ids: int32 [G], the token's id, `_NOT_FOUND` for text.
      starts: int64 [G], the byte at which a segment starts.
      limits: int64 [G], the byte after its last.
      row_splits: int64 [B + 1], where each text's segments start.
    """

    rest: tf.Tensor
    ids: tf.Tensor
    starts: tf.Tensor
    limits: tf.Tensor
    row_splits: tf.Tensor


class AddedTokens(tf.Module):
    """Cuts text at added tokens."""

    def __init__(
        self, tokens: Mapping[str, hugging_face.AddedToken], *, white_space: str = _WHITE_SPACE
    ) -> None:
        """Makes the table.

        Args:
          tokens: by the text that is looked for; at least one.
          white_space: RE2 of one character that `lstrip` and `rstrip` take.
        """
        super().__init__()
        self._white_space = white_space
        longest_first = sorted(tokens, key=len, reverse=True)
        self._pattern = "|".join(self._found(name, tokens[name]) for name in longest_first)
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(longest_first),
                tf.constant([tokens[name].id for name in longest_first], tf.int32),
            ),
            default_value=_NOT_FOUND,
        )
        # A token that normalization makes of another one's text may have its id twice.
        self._single_words = sorted({t.id for t in tokens.values() if t.single_word})

    def encode(
        self, texts: tf.Tensor, encode_rest: Callable[[tf.Tensor], tf.RaggedTensor]
    ) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B].

        Args:
          texts: string [B].
          encode_rest: from string [G] to ids, int32 [G, (tokens)]; none for an empty string.
        """
        segments = self._segments(texts)
        return self._merge(segments, segments.ids, encode_rest(segments.rest))

    def encode_with_offsets(
        self, texts: tf.Tensor, encode_rest: Callable[[tf.Tensor], IdsWithOffsets]
    ) -> IdsWithOffsets:
        """Returns the ids of `encode`, and the bytes of the texts where they start and end.

        Args:
          texts: string [B].
          encode_rest: from string [G] to ids, starts and limits, [G, (tokens)] each.
        """
        segments = self._segments(texts)
        ids, starts, limits = encode_rest(segments.rest)
        shift = tf.gather(segments.starts, ids.value_rowids())
        return (
            self._merge(segments, segments.ids, ids),
            self._merge(segments, segments.starts, starts.with_values(starts.values + shift)),
            self._merge(segments, segments.limits, limits.with_values(limits.values + shift)),
        )

    def _found(self, name: str, token: hugging_face.AddedToken) -> str:
        before = f"{self._white_space}*" if token.lstrip else ""
        behind = f"{self._white_space}*" if token.rstrip else ""
        return before + re.escape(name) + behind

    def _segments(self, texts: tf.Tensor) -> _Segments:
        # The op stops at a NUL: it sees texts without, and its offsets cut the texts themselves.
        visible = tf.strings.regex_replace(texts, r"\x00", "\x01")
        pieces, starts, limits = text.regex_split_with_offsets(
            visible, self._pattern, self._pattern
        )
        starts, limits = (tf.cast(part.values, tf.int64) for part in (starts, limits))
        rows = pieces.value_rowids()
        contents = _cut(texts, rows, starts, limits)
        left, right = self._ends(contents)
        ids = self._table.lookup(_cut(contents, None, left, right))
        if self._single_words:
            ids = self._without_parts_of_words(ids, contents, rows)
            ids, rows, starts, limits = _joined(ids, rows, starts, limits)
            contents = _cut(texts, rows, starts, limits)
            left, right = self._ends(contents)
        is_token = ids != _NOT_FOUND
        return _Segments(
            rest=tf.where(is_token, "", contents),
            ids=ids,
            # The white space that a token takes is not in its offsets.
            starts=tf.where(is_token, starts + left, starts),
            limits=tf.where(is_token, starts + right, limits),
            row_splits=tf.searchsorted(
                rows, tf.range(tf.size(texts, tf.int64) + 1), out_type=tf.int64
            ),
        )

    def _ends(self, contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the bytes, int64 [G], between which string [G] has no white space at its ends."""
        space = self._white_space
        sizes = [
            tf.strings.length(tf.strings.regex_replace(contents, pattern, ""))
            for pattern in (f"^{space}+", f"{space}+$")
        ]
        left, right = tf.strings.length(contents) - sizes[0], sizes[1]
        return tf.cast(left, tf.int64), tf.cast(tf.maximum(left, right), tf.int64)

    def _without_parts_of_words(
        self, ids: tf.Tensor, contents: tf.Tensor, rows: tf.Tensor
    ) -> tf.Tensor:
        """Returns the ids, int32 [G], without those of single words that a letter touches."""
        padded = tf.concat([[""], contents, [""]], axis=0)
        before = tf.where(_is_first(rows), "", padded[:-2])
        behind = tf.where(_is_last(rows), "", padded[2:])
        inner, word = self._white_space, f"[{unicode_sets.WORD}]"
        # White space that the token takes parts it from the word beside it.
        touches = tf.strings.regex_full_match(before, f"(?s).*{word}") & ~(
            tf.strings.regex_full_match(contents, f"(?s){inner}.*")
        )
        touches |= tf.strings.regex_full_match(behind, f"(?s){word}.*") & ~(
            tf.strings.regex_full_match(contents, f"(?s).*{inner}")
        )
        singles = tf.reduce_any(ids[:, tf.newaxis] == tf.constant(self._single_words), axis=1)
        return tf.where(singles & touches, _NOT_FOUND, ids)

    def _merge(
        self, segments: _Segments, of_tokens: tf.Tensor, of_rest: tf.RaggedTensor
    ) -> tf.RaggedTensor:
        """Returns what belongs to the tokens, [G], and to the rest, [G, (tokens)], in order."""
        is_token = segments.ids != _NOT_FOUND
        ones = tf.RaggedTensor.from_row_lengths(
            tf.boolean_mask(of_tokens, is_token), tf.cast(is_token, tf.int64), validate=False
        )
        both = tf.concat([ones, of_rest], axis=1)
        splits = tf.gather(both.row_splits, segments.row_splits)
        return tf.RaggedTensor.from_row_splits(both.values, splits, validate=False)


def _cut(
    texts: tf.Tensor, rows: tf.Tensor | None, starts: tf.Tensor, limits: tf.Tensor
) -> tf.Tensor:
    """Returns bytes of texts, one range [G] each, or of the texts [B] of the rows, [G]."""
    if rows is not None:
        texts = tf.gather(texts, rows)
    return tf.strings.substr(texts, starts, limits - starts)


def _is_first(rows: tf.Tensor) -> tf.Tensor:
    """Returns, bool [G], which segments begin a row."""
    return tf.concat([[True], rows[1:] != rows[:-1]], axis=0)[: tf.size(rows)]


def _is_last(rows: tf.Tensor) -> tf.Tensor:
    """Returns, bool [G], which segments end a row."""
    return tf.concat([rows[1:] != rows[:-1], [True]], axis=0)[: tf.size(rows)]


def _joined(
    ids: tf.Tensor, rows: tf.Tensor, starts: tf.Tensor, limits: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns ids, rows, starts and limits with neighbouring texts of a row made one."""
    is_text = ids == _NOT_FOUND
    follows_text = tf.concat([[False], is_text[:-1]], axis=0)[: tf.size(ids)]
    begins = ~(is_text & follows_text) | _is_first(rows)
    last = tf.concat([begins[1:], [True]], axis=0)[: tf.size(ids)]
    ids, rows, starts = (tf.boolean_mask(part, begins) for part in (ids, rows, starts))
    return ids, rows, starts, tf.boolean_mask(limits, last)
