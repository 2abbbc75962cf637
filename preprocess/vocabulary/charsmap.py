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
    labels = np.arange(1, 256)
    entries = {}
    pending = [(_children(int(units[0])), b"")]
    while pending:
        place, prefix = pending.pop()
        places = place ^ labels
        places = np.where(places < len(units), places, 0)
        # The label of a unit is its lowest byte, unless its highest bit makes it a value.
        is_child = (units[places] & 0x800000FF) == labels
        for label in labels[is_child].tolist():
            unit = int(units[place ^ label])
            key = prefix + bytes([label])
            child = place ^ label ^ _children(unit)
            if unit & 0x100:  # a key ends here
                start = int(units[child]) & 0x7FFFFFFF
                entries[key] = texts[start : texts.index(b"\0", start)]
            if len(key) < MAX_BYTES:
                pending.append((child, key))
    return entries


def _children(unit: int) -> int:
    """Returns how far from a unit its children are (an exclusive or)."""
    return (unit >> 10) << ((unit & 0x200) >> 6)
