"""The text normalization of google-research/albert, in the graph.

    normalize = original_normalization.OriginalNormalization(lower_case=True)
    normalized = normalize(sentences)  # string [B]

It follows `preprocess_text` in `tokenization.py`: whitespace as Python's `str.split` sees it, NFKD,
characters with a combining class dropped, `str.lower`.
"""

import dataclasses

import tensorflow as tf
import tensorflow_text as text

from preprocess.normalization import ascii_rows, code_points, offsets, ragged_rows

# https://docs.python.org/3/library/stdtypes.html#str.isspace
_OTHER_SPACES = (
    r"\x{9}-\x{d}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}"
    r"\x{205f}\x{3000}"
)
_WHITESPACE = f"[ {_OTHER_SPACES}]"
# Every run of whitespace that is not a single space already: most are, and cost nothing so.
_TO_COLLAPSE = f"[{_OTHER_SPACES}]{_WHITESPACE}*| {_WHITESPACE}+"


class OriginalNormalization(tf.Module):
    """Collapses whitespace, decomposes, removes combining characters, and lower-cases.

    transformers' AlbertTokenizer does the same, and has settings that the original has not.
    Combining classes are those of the exporting Python's `unicodedata`, as in the original.
    """

    def __init__(
        self,
        *,
        lower_case: bool,
        keep_accents: bool = False,
        albert_tokenizer: bool = False,
        remove_space: bool = True,
    ) -> None:
        """Makes the tables.

        Args:
          lower_case: whether to lower-case.
          keep_accents: whether to neither decompose nor remove combining characters.
          albert_tokenizer: whether to do what transformers 4 does besides: to replace the quotes of
            LaTeX, and to lower-case character by character before all else.
          remove_space: whether to collapse whitespace.
        """
        super().__init__()
        self._lower_case = lower_case
        self._keep_accents = keep_accents
        self._albert_tokenizer = albert_tokenizer
        self._remove_space = remove_space
        self._combining = code_points.CodePointSet(code_points.combining())
        self._combining_pattern = self._combining.pattern()
        self._whitespace = code_points.CodePointSet.matching(_WHITESPACE)

    def __call__(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns the normalized text, string [B].

        Args:
          sentences: string [B], UTF-8. Invalid bytes become U+FFFD.
        """
        if self._remove_space:
            collapsed = tf.strings.regex_replace(sentences, _TO_COLLAPSE, " ")
            sentences = tf.strings.strip(collapsed)
        return self._normalize(sentences)

    def align(self, sentences: tf.Tensor) -> offsets.Units:
        """Returns the parts of the sentences, string [B], that are normalized independently."""
        characters = offsets.Characters.from_strings(sentences)
        points = characters.code_points
        is_space = self._whitespace.contains(points)
        follows_space = tf.concat([tf.zeros_like(is_space[:1]), is_space[:-1]], axis=0)
        joins = self._combining.contains(points)
        if self._remove_space:
            joins |= is_space & follows_space
        if self._albert_tokenizer:
            joins |= _repeated_quotes(points)
        units = offsets.units(characters, joins=joins, normalize=self._normalize_unit)
        if not self._remove_space:
            return units
        return _without_outer_spaces(units, characters, is_space)

    def _normalize(self, sentences: tf.Tensor) -> tf.Tensor:
        if self._albert_tokenizer:
            sentences = tf.strings.regex_replace(sentences, "``|''", '"')
        # ASCII has no marks and is lower-cased at a fraction of the cost.
        ascii_form = tf.strings.lower if self._lower_case else tf.identity
        return ascii_rows.split(sentences, ascii_form=ascii_form, other_form=self._fold)

    def _fold(self, sentences: tf.Tensor) -> tf.Tensor:
        if self._albert_tokenizer and self._lower_case:
            sentences = lower_characters(sentences)
        if self._keep_accents:
            return lower(sentences) if self._lower_case else sentences
        # Once more than the original: to order a million marks in a row would take minutes.
        kept = tf.strings.regex_replace(sentences, self._combining_pattern, "")
        kept = text.normalize_utf8(kept, "NFKD")
        kept = tf.strings.regex_replace(kept, self._combining_pattern, "")
        return lower(kept) if self._lower_case else kept

    def _normalize_unit(self, units: tf.Tensor) -> tf.Tensor:
        if self._remove_space:
            units = tf.strings.regex_replace(units, _TO_COLLAPSE, " ")
        return self._normalize(units)


def lower(strings: tf.Tensor) -> tf.Tensor:
    """Returns string [B] lower-cased as `str.lower` does it."""
    # TensorFlow's op follows the locale of the machine, where Turkish and Azeri lower `I` to a
    # dotless one; it leaves alone what is lower-case already.
    strings = tf.strings.lower(strings)
    # It also stops at a NUL byte.
    parts = tf.strings.split(strings, "\0")
    lowered = tf.strings.lower(parts.values, encoding="utf-8")
    # Nor can a NUL be the separator of a join, which is an attribute: it leads the later parts.
    rows = ragged_rows.of(parts)
    is_first = tf.concat([tf.ones_like(rows[:1]), rows[1:] - rows[:-1]], axis=0) == 1
    lowered = tf.where(is_first, lowered, tf.strings.join(["\0", lowered]))
    return tf.strings.unsorted_segment_join(lowered, rows, tf.size(strings))


def lower_characters(strings: tf.Tensor) -> tf.Tensor:
    """Returns string [B] with each character lower-cased as if it stood alone."""
    # What stands around a sigma must not matter, nor the locale for the dotted capital I.
    strings = tf.strings.regex_replace(strings, "\u03a3", "\u03c3")
    return lower(tf.strings.regex_replace(strings, "\u0130", "i\u0307"))


def _repeated_quotes(points: tf.Tensor) -> tf.Tensor:
    """Returns, bool [C], which code points are a quote of LaTeX behind the same one."""
    before = tf.concat([tf.zeros_like(points[:1]), points[:-1]], axis=0)
    return (points == before) & ((points == ord("`")) | (points == ord("'")))


def _without_outer_spaces(
    units: offsets.Units, characters: offsets.Characters, is_space: tf.Tensor
) -> offsets.Units:
    """Takes the byte of whitespace at a string's start, and at its end, from the unit there."""
    rows = tf.where(characters.row_splits[:-1] < characters.row_splits[1:])[:, 0]  # with text
    sizes = units.sizes
    for shift in (0, 1):  # the first of the row, then the last: the one before the next row's first
        character = tf.gather(characters.row_splits, rows + shift) - shift
        unit = tf.gather(units.row_splits, rows + shift) - shift
        taken = tf.cast(tf.gather(is_space, character), tf.int64)
        sizes = tf.tensor_scatter_nd_sub(sizes, unit[:, tf.newaxis], taken)
    return dataclasses.replace(units, sizes=tf.maximum(sizes, 0))
