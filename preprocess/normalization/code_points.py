"""Sets of Unicode characters as small tables in the graph.

marks = code_points.CodePointSet.matching(r"\\pM")
marks.contains(tf.constant([0x41, 0x301]))  # [False, True]
"""

import functools
import unicodedata
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

_SURROGATES = range(0xD800, 0xE000)
_LIMIT = 0x110000
_UTF_32, _UTF_32_NAME = "<u4", "utf-32-le"  # as NumPy and Python call it


class CodePointSet(tf.Module):
    """A set of code points, kept as the borders of its ranges."""

    def __init__(self, members: np.ndarray) -> None:
        """Makes the table.

        Args:
          members: bool [0x110000], whether a code point belongs to the set.
        """
        super().__init__()
        padded = np.concatenate([[False], members, [False]])
        # First members and first non-members in turn: an odd number at or below a member.
        self._borders = np.flatnonzero(padded[1:] != padded[:-1]).astype(np.int32)

    @classmethod
    def matching(cls, pattern: str) -> "CodePointSet":
        """Returns the characters that match a regular expression of RE2.

        RE2's own tables decide, so the set depends on TensorFlow's version and on nothing else.
        """
        return cls(members(pattern))

    def ranges(self) -> Sequence[tuple[int, int]]:
        """Returns the first and the last member of every range, in order."""
        return [(int(first), int(end) - 1) for first, end in self._borders.reshape([-1, 2])]

    def pattern(self) -> str:
        """Returns a regular expression of RE2 that matches each of the characters."""
        ranges = (rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in self.ranges())
        return f"[{''.join(ranges)}]"

    def contains(self, characters: tf.Tensor) -> tf.Tensor:
        """Returns which of the code points, int32 [C], belong to the set: bool [C]."""
        borders = tf.constant(self._borders)
        return tf.searchsorted(borders, characters, side="right") % 2 == 1


@functools.cache
def members(pattern: str) -> np.ndarray:
    """Returns, bool [0x110000], which characters match RE2's regular expression of one character.

    The array cannot be written to: it is kept for the next call.
    """
    found = np.ones([_LIMIT], bool)
    found[_SURROGATES.start : _SURROGATES.stop] = False
    characters = np.flatnonzero(found).astype(_UTF_32).tobytes().decode(_UTF_32_NAME)
    with tf.init_scope():  # the caller may be traced
        # All in one text, from which those that match are removed.
        others = tf.strings.regex_replace(characters, pattern, "").numpy().decode()
    found[np.frombuffer(others.encode(_UTF_32_NAME), _UTF_32)] = False
    found.flags.writeable = False
    return found


@functools.cache
def combining() -> np.ndarray:
    """Returns, bool [0x110000], which have a combining class, by Python's `unicodedata`.

    The array cannot be written to: it is kept for the next call.
    """
    classes = map(unicodedata.combining, map(chr, range(_LIMIT)))
    found = np.fromiter(classes, np.uint8, _LIMIT) != 0
    found.flags.writeable = False
    return found


def in_ranges(text: str) -> np.ndarray:
    """Returns, bool [0x110000], which characters a list like "9-d 20 85" in hexadecimal names."""
    found = np.zeros([_LIMIT], bool)
    for first, _, last in (part.partition("-") for part in text.split()):
        found[int(first, 16) : int(last or first, 16) + 1] = True
    return found
