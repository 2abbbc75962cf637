"""Notices of what is guessed of the case and the accents of a vocabulary.

Example:
    case_guesses.notices(vocabulary, lower_case=True, keep_accents=False)
"""

import unicodedata
from collections.abc import Callable, Sequence

from preprocess.vocabulary import special_names, vocabularies


def notices(
    vocabulary: vocabularies.Vocabulary, lower_case: bool, keep_accents: bool
) -> tuple[str, ...]:
    """Returns what is guessed of the case of a vocabulary, and which pieces that makes useless."""
    done = [
        *(["lower-cased"] if lower_case else []),
        *(["stripped of accents"] if not keep_accents else []),
    ]
    if not done:
        return ()
    what = " and ".join(done)
    lines = [f"text is {what}, as nothing beside {vocabulary.file_name} says otherwise"]
    special = set(special_names.ids_of(vocabulary))
    pieces = [piece for i, piece in enumerate(vocabulary.pieces) if i not in special]
    accented = set(filter(_has_accents, set().union(*pieces)))
    useless: Sequence[tuple[bool, str, str, Callable[[str], bool]]] = (
        (lower_case, "upper-case letters", "--nolower_case", lambda p: p != p.lower()),
        (not keep_accents, "accents", "--keep_accents", lambda p: not accented.isdisjoint(p)),
    )
    for is_removed, kind, flag, has in useless:
        count = sum(map(has, pieces)) if is_removed else 0
        if count:
            lines.append(f"{count} of its pieces have {kind} and are never produced: see {flag}")
    return tuple(lines)


def _has_accents(character: str) -> bool:
    return any(unicodedata.category(c) == "Mn" for c in unicodedata.normalize("NFKD", character))
