r"""Strings that Unicode may compose into one character.

Example:
    "e\u0301" in compositions.found()
"""

import functools
import unicodedata
from collections.abc import Iterator


@functools.cache
def found() -> frozenset[str]:
    """Returns the strings that are, or may become, one character."""
    return frozenset(_decomposed()) | frozenset(_hangul())


def _decomposed() -> Iterator[str]:
    for point in range(0x110000):
        character = chr(point)
        decomposition = unicodedata.decomposition(character)
        if not decomposition or decomposition.startswith("<"):
            continue
        whole = unicodedata.normalize("NFD", character)
        yield "".join(chr(int(part, 16)) for part in decomposition.split())
        yield whole
        yield "".join(part for part in whole if unicodedata.category(part) != "Mn")


def _hangul() -> Iterator[str]:
    """Yields the parts of Korean syllables (The Unicode Standard, 3.12)."""
    for syllable in range(0xAC00, 0xD7A4, 28):
        parts = unicodedata.normalize("NFD", chr(syllable))
        yield parts
        for last in range(0x11A8, 0x11C3):
            yield parts + chr(last)
            yield chr(syllable) + chr(last)
