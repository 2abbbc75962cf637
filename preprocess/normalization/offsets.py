"""Maps byte ranges of normalized text back to the original text.

    units = hub_normalization.TfHubNormalization(lower_case=True).align(sentences)
    starts, limits = alignment.to_original(units, starts, limits, rows=rows, may_be_empty=is_empty)

A unit is a part of the text that is normalized independently of what stands around it: mostly one
character with its marks. Within a unit no finer map exists (which half of `\u00bd` is the `1`?), so
a range is widened to whole units.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from preprocess.normalization import ragged_rows

_WHITESPACE = r"[\s\pZ\x{85}]*"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Characters:
    """The characters of a batch of strings, one after the other.

    Attributes:
      code_points: int32 [C]; U+FFFD for bytes that are not UTF-8.
      starts: int64 [C], the byte in its string at which a character starts.
      limits: int64 [C], the byte after its last.
      row_splits: int64 [B + 1], where each string's characters start.
    """

    code_points: tf.Tensor
    starts: tf.Tensor
    limits: tf.Tensor
    row_splits: tf.Tensor

    @classmethod
    def from_strings(cls, strings: tf.Tensor) -> "Characters":
        """Returns the characters of string [B]."""
        points, starts = tf.strings.unicode_decode_with_offsets(strings, "UTF-8")
        sizes = tf.cast(tf.strings.length(strings), tf.int64)
        # A character ends where the next one starts, and the last one where its string does.
        rows = ragged_rows.of(points)
        is_last = tf.concat([rows[1:] != rows[:-1], tf.ones_like(rows[:1], tf.bool)], axis=0)
        following = tf.concat([starts.values[1:], tf.zeros_like(starts.values[:1])], axis=0)
        limits = tf.where(is_last, tf.gather(sizes, rows), following)
        return cls(
            code_points=points.values,
            starts=starts.values,
            limits=limits,
            row_splits=tf.cast(points.row_splits, tf.int64),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Units:
    """The units of a batch of strings, one after the other.

    Attributes:
      starts: int64 [U], the byte in the original string at which a unit starts.
      limits: int64 [U], the byte after its last.
      sizes: int64 [U], the number of bytes of its normalized form; may be 0.
      is_blank: bool [U], whether its normalized form is whitespace, or nothing.
      row_splits: int64 [B + 1], where each string's units start.
    """

    starts: tf.Tensor
    limits: tf.Tensor
    sizes: tf.Tensor
    is_blank: tf.Tensor
    row_splits: tf.Tensor


def units(
    characters: Characters,
    *,
    joins: tf.Tensor,
    normalize: Callable[[tf.Tensor], tf.Tensor],
    unstable: tf.Tensor | None = None,
) -> Units:
    """Cuts text into units before every character that does not join the one before it.

    Args:
      characters: the text.
      joins: bool [C], whether a character belongs to the unit of the character before it.
      normalize: from string [U] to string [U]; must keep an ASCII character's one byte.
      unstable: bool [C], ASCII characters of which it need not; None for none.

    Returns:
      The units.
    """
    points = characters.code_points
    count = tf.size(points, tf.int64)
    row_starts = characters.row_splits[:-1]
    # Empty strings start where the next one does; at the very end there is nothing to mark.
    row_starts = tf.boolean_mask(row_starts, row_starts < characters.row_splits[1:])
    marked = tf.tensor_scatter_nd_update(
        joins, row_starts[:, tf.newaxis], tf.zeros_like(row_starts, tf.bool)
    )
    firsts = tf.where(~marked)[:, 0]  # [U], the units' first characters
    splits = tf.concat([firsts, [count]], axis=0)
    text = tf.RaggedTensor.from_row_splits(points, splits, validate=False)  # [U, (characters)]

    first_points = tf.gather(points, firsts)
    is_plain = (text.row_lengths() == 1) & (first_points < 0x80)
    if unstable is not None:
        is_plain &= ~tf.gather(unstable, firsts)
    others = tf.where(~is_plain)  # [O, 1]: only these need normalizing to know their size
    normalized = normalize(tf.strings.unicode_encode(tf.gather(text, others[:, 0]), "UTF-8"))
    sizes = tf.cast(tf.strings.length(normalized), tf.int64)
    # ASCII whitespace as Python's `str.isspace` has it.
    is_space = ((first_points >= 0x09) & (first_points <= 0x0D)) | (
        (first_points >= 0x1C) & (first_points <= 0x20)
    )
    return Units(
        starts=tf.gather(characters.starts, firsts),
        limits=tf.gather(characters.limits, splits[1:] - 1),
        sizes=tf.tensor_scatter_nd_update(tf.ones_like(firsts), others, sizes),
        is_blank=tf.tensor_scatter_nd_update(
            is_space, others, tf.strings.regex_full_match(normalized, _WHITESPACE)
        ),
        row_splits=tf.searchsorted(firsts, characters.row_splits, out_type=tf.int64),
    )


def to_original(
    units: Units,
    starts: tf.Tensor,
    limits: tf.Tensor,
    *,
    rows: tf.Tensor,
    may_be_empty: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Maps ranges of the normalized text to ranges of the original.

    Whitespace in front of a range is left out, unless the range has nothing else.

    Args:
      units: of the original text.
      starts: int64 [T], byte in the normalized string at which a range starts.
      limits: int64 [T], the byte after its last.
      rows: int64 [T], the string in which the range lies.
      may_be_empty: bool [T]; where false, an empty range gets the unit in which it lies. An empty
        one in the midst of a unit always does.

    Returns:
      The ranges' starts and limits in the original strings, int64 [T] each.
    """
    ends = tf.cumsum(units.sizes)  # [U], over the whole batch
    base = tf.concat([tf.zeros([1], tf.int64), ends], axis=0)
    base = tf.gather(base, tf.gather(units.row_splits, rows))  # [T], where the range's string is
    last = tf.gather(units.row_splits, rows + 1) - 1  # [T], the string's last unit

    def unit_of(place: tf.Tensor) -> tf.Tensor:
        found = tf.searchsorted(ends, base + place, side="right", out_type=tf.int64)
        return tf.minimum(found, last)

    first = unit_of(starts)
    final = tf.maximum(unit_of(limits - 1), first)
    # Inside a unit nothing can be empty: what stands before it there gets all of the unit.
    at_border = base + starts <= tf.gather(ends - units.sizes, first)
    is_empty = (limits <= starts) & may_be_empty & at_border
    visible = tf.where(~units.is_blank)[:, 0]
    visible = tf.concat([visible, [tf.size(units.starts, tf.int64)]], axis=0)
    skipped = tf.gather(visible, tf.searchsorted(visible, first))
    first = tf.where((skipped <= final) & ~is_empty, skipped, first)
    starts = tf.gather(units.starts, first)
    return starts, tf.where(is_empty, starts, tf.gather(units.limits, final))
