"""Finds added tokens in text, and has the text between them tokenized by something else.

    tokens = added_tokens.AddedTokens(tokenizer.added_tokens, white_space=...)
    ids = tokens.encode(texts, encode_rest)  # RaggedTensor, int32 [B, (tokens)]

As `tokenizers` does it (`added_vocabulary.rs`): the leftmost token, of several there the longest.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping, Sequence

import tensorflow as tf

from configs import errors
from preprocess.normalization import original, pieces, ragged_rows, unicode_sets
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


class _Order:
    """The order of a text's tokens: those found, and those of the text between them."""

    def __init__(self, segments: _Segments, of_rest: tf.RaggedTensor) -> None:
        """Takes where tokens were found, [G], and the ids of the rest, [G, (tokens)]."""
        is_token = segments.ids != _NOT_FOUND
        count = tf.size(is_token, tf.int64)
        lengths = of_rest.row_lengths()
        # Of each segment: its number if it is a token, else the numbers of its ids behind those.
        starts = tf.where(is_token, tf.range(count), count + of_rest.row_starts())
        limits = starts + tf.where(is_token, tf.ones_like(lengths), lengths)
        both = tf.ragged.range(starts, limits, row_splits_dtype=tf.int64)
        self._places = both.values
        self._splits = tf.gather(both.row_splits, segments.row_splits)

    def merge(self, of_tokens: tf.Tensor, of_rest: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns what belongs to the tokens, [G], and to the rest, [G, (tokens)], in order."""
        values = tf.gather(tf.concat([of_tokens, of_rest.values], axis=0), self._places)
        return tf.RaggedTensor.from_row_splits(values, self._splits, validate=False)


class AddedTokens(tf.Module):
    """Cuts text at added tokens."""

    def __init__(
        self,
        tokens: Mapping[str, hugging_face.AddedToken],
        *,
        any_case: Collection[str] = (),
        white_space: str = _WHITE_SPACE,
    ) -> None:
        """Makes the table.

        Args:
          tokens: by the text that is looked for; at least one.
          any_case: those of the texts, lower-cased, that are found in upper case as well.
          white_space: RE2 of one character that `lstrip` and `rstrip` take.
        """
        super().__init__()
        self._white_space = white_space
        self._any_case = any_case
        longest_first = sorted(tokens, key=len, reverse=True)
        self._pattern = "|".join(self._found(name, tokens[name]) for name in longest_first)
        self._table = _table({name: tokens[name] for name in longest_first})
        # Normalized text may begin or end with white space, as that of ideographs does.
        self._has_outer_space = any(name != name.strip() for name in tokens)
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
        ids = encode_rest(segments.rest)
        return _Order(segments, ids).merge(segments.ids, ids)

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
        shift = tf.gather(segments.starts, ragged_rows.of(ids))
        order = _Order(segments, ids)
        return (
            order.merge(segments.ids, ids),
            order.merge(segments.starts, starts.with_values(starts.values + shift)),
            order.merge(segments.limits, limits.with_values(limits.values + shift)),
        )

    def _found(self, name: str, token: hugging_face.AddedToken) -> str:
        before = f"{self._white_space}*" if token.lstrip else ""
        behind = f"{self._white_space}*" if token.rstrip else ""
        literal = re.escape(name)
        return before + (f"(?i:{literal})" if name in self._any_case else literal) + behind

    def _segments(self, texts: tf.Tensor) -> _Segments:
        cut = pieces.split(texts, self._pattern)
        contents = cut.contents(texts)
        left, right = self._ends(contents)
        ids = self._look_up(tf.strings.substr(contents, left, right - left))
        if self._has_outer_space:
            whole = self._table.lookup(contents)
            ids = tf.where(whole == _NOT_FOUND, ids, whole)
        if self._single_words:
            ids = self._without_parts_of_words(ids, contents, cut.rows)
        if self._single_words or self._any_case:
            ids, cut = _joined(ids, cut)
            contents = cut.contents(texts)
            left, right = self._ends(contents)
        is_token = ids != _NOT_FOUND
        return _Segments(
            rest=tf.where(is_token, "", contents),
            ids=ids,
            # The white space that a token takes is not in its offsets.
            starts=tf.where(is_token, cut.starts + left, cut.starts),
            limits=tf.where(is_token, cut.starts + right, cut.limits),
            row_splits=cut.row_splits(texts),
        )

    def _look_up(self, names: tf.Tensor) -> tf.Tensor:
        """Returns the ids, int32 [G], of the tokens by name, string [G]."""
        ids = self._table.lookup(names)
        if not self._any_case:
            return ids
        lower = self._table.lookup(original.lower_characters(names))
        return tf.where(ids == _NOT_FOUND, lower, ids)

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


def of_normalized(
    tokens: Sequence[hugging_face.AddedToken], normalize: Callable[[tf.Tensor], tf.Tensor]
) -> AddedTokens | None:
    """Returns what finds tokens in normalized text; None if there are no tokens.

    Args:
      tokens: to find by their normalized text.
      normalize: from string [N] to string [N].

    Raises:
      errors.VocabularyError: the normalized text of one is empty, or white space alone.
    """
    if not tokens:
        return None
    contents = normalize(tf.constant([token.content for token in tokens])).numpy()
    by_content = {content.decode(): token for content, token in zip(contents, tokens, strict=True)}
    if empty := [token.content for content, token in by_content.items() if not content.strip()]:
        raise errors.VocabularyError(
            f"the added tokens {', '.join(map(repr, empty))} cannot be found, as normalization "
            "leaves nothing or white space of them: give them normalized false, or leave them out"
        )
    return AddedTokens(by_content)


def _table(tokens: Mapping[str, hugging_face.AddedToken]) -> tf.lookup.StaticHashTable:
    return tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant([*tokens]), tf.constant([token.id for token in tokens.values()], tf.int32)
        ),
        default_value=_NOT_FOUND,
    )


def _is_first(rows: tf.Tensor) -> tf.Tensor:
    """Returns, bool [G], which segments begin a row."""
    return tf.concat([[True], rows[1:] != rows[:-1]], axis=0)[: tf.size(rows)]


def _is_last(rows: tf.Tensor) -> tf.Tensor:
    """Returns, bool [G], which segments end a row."""
    return tf.concat([rows[1:] != rows[:-1], [True]], axis=0)[: tf.size(rows)]


def _joined(ids: tf.Tensor, cut: pieces.Pieces) -> tuple[tf.Tensor, pieces.Pieces]:
    """Returns ids and pieces with neighbouring texts of a row made one."""
    is_text = ids == _NOT_FOUND
    follows_text = tf.concat([[False], is_text[:-1]], axis=0)[: tf.size(ids)]
    begins = ~(is_text & follows_text) | _is_first(cut.rows)
    ends = tf.concat([begins[1:], [True]], axis=0)[: tf.size(ids)]
    return tf.boolean_mask(ids, begins), pieces.Pieces(
        rows=tf.boolean_mask(cut.rows, begins),
        starts=tf.boolean_mask(cut.starts, begins),
        limits=tf.boolean_mask(cut.limits, ends),
    )
