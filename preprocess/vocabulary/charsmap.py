"""Reads the character rules that SentencePiece compiles into a model, without TensorFlow.

    rules = charsmap.read(base64.b64decode(precompiled_charsmap))
    rules.characters["\u00bd"]  # "1\u20442"

The rules are a Darts-clone double array from strings to places in a block of texts. Hugging
Face's `tokenizers` (normalizer `Precompiled`) applies them otherwise than SentencePiece: to one
grapheme at a time, by the shortest rule at its start, and to a grapheme of more than five bytes one
character at a time. So only rules for single characters and for short pairs ever apply, and only
these are read: 7,000 of 225,000.
"""

import dataclasses

import numpy as np

from configs import errors

# A longer grapheme is taken apart into characters: `grapheme.len() < 6` in precompiled.rs.
MAX_BYTES = 5
# SentencePiece's own maps have 8,000; a table with a loop would have any number.
_MAX_KEYS = 1 << 17


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """What becomes of characters.

    Attributes:
      characters: new text by single character.
      pairs: new text by two characters that are, or begin, a grapheme of at most `MAX_BYTES` bytes;
        none begins with one of `characters`.
    """

    characters: dict[str, str] = dataclasses.field(repr=False)
    pairs: dict[str, str] = dataclasses.field(repr=False)


def read(blob: bytes) -> Rules:
    """Returns the rules in a compiled map.

    Raises:
      errors.VocabularyError: it is damaged, or has a rule for three characters and none for its
        first one or two.
    """
    try:
        found = {key.decode(): text.decode() for key, text in _entries(blob).items()}
    except (ValueError, IndexError) as error:
        raise errors.VocabularyError(f"the precompiled charsmap is damaged: {error}") from error
    characters = {key: text for key, text in found.items() if len(key) == 1}
    pairs = {key: text for key, text in found.items() if len(key) == 2 and key[0] not in characters}
    for key in found:
        if len(key) > 2 and key[0] not in characters and key[:2] not in pairs:
            raise errors.VocabularyError(
                f"the precompiled charsmap has a rule for {key!r}, and none for what it begins with"
            )
    return Rules(characters=characters, pairs=pairs)


def _entries(blob: bytes) -> dict[bytes, bytes]:
    """Returns the texts by key, for keys of at most `MAX_BYTES` bytes."""
    size = int.from_bytes(blob[:4], "little")
    if size % 4 or not 0 < size <= len(blob) - 4:
        raise ValueError(f"its table of {size} bytes does not fit into {len(blob)}")
    units = np.frombuffer(blob, "<u4", size // 4, 4)
    texts = blob[4 + size :]
    children = _Children(units)
    entries = {}
    places, keys = _offsets(units[:1]), [b""]
    if not children.of(places)[0]:
        raise ValueError("it has no rule")
    for _ in range(MAX_BYTES):  # one more byte of all keys at once
        rows, places = children.of(places)
        labels = (units[places] & 0xFF).tolist()
        keys = [keys[row] + bytes([label]) for row, label in zip(rows, labels, strict=True)]
        is_end = (units[places] & 0x100) != 0  # a key ends here
        places = places ^ _offsets(units[places])
        for i in np.flatnonzero(is_end).tolist():
            start = int(units[places[i]]) & 0x7FFFFFFF
            entries[keys[i]] = texts[start : texts.index(b"\0", start)]
    return entries


class _Children:
    """The units to which a byte leads, by the place from which it leads there."""

    def __init__(self, units: np.ndarray) -> None:
        """Sorts the units, uint32 [U], by that place: their own and the byte, an exclusive or."""
        # The byte of a unit is its lowest, unless its highest bit makes it a value.
        labels = units & 0x800000FF
        found = np.flatnonzero((labels > 0) & (labels < 256)).astype(np.uint32)
        places = found ^ labels[found]
        order = np.argsort(places, kind="stable")
        self._units, self._places = found[order], places[order]

    def of(self, places: np.ndarray) -> tuple[list[int], np.ndarray]:
        """Follows every byte from each of the places, uint32 [P].

        Returns:
          of each byte that leads on: the number of the place, and its unit, uint32.
        """
        begins = np.searchsorted(self._places, places, side="left")
        counts = np.searchsorted(self._places, places, side="right") - begins
        if counts.sum() > _MAX_KEYS:
            raise ValueError(f"it has more than {_MAX_KEYS} keys of up to {MAX_BYTES} bytes")
        rows = np.repeat(np.arange(len(places)), counts)
        inside = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows.tolist(), self._units[begins[rows] + inside]


def _offsets(units: np.ndarray) -> np.ndarray:
    """Returns how far from each unit, uint32 [U], its children are (an exclusive or)."""
    return (units >> 10) << ((units & 0x200) >> 6)
