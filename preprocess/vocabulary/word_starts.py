"""Which pieces of a vocabulary start a word, for masking whole words.

Example:
    word_starts.for_pieces(["\u2581the", "re", "fore", "."])  # [True, False, False, True]

The rules are google-research/albert's, `create_pretraining_data.py`.
"""

import string
from collections.abc import Sequence

import numpy as np

from preprocess.vocabulary import sentencepiece_model

# The original's list: ASCII punctuation without the four that are not in it.
_PUNCTUATION = frozenset(string.punctuation) - frozenset("'<=>")
_IN_WORDS = _PUNCTUATION | frozenset(string.ascii_letters)


def for_pieces(pieces: Sequence[str]) -> np.ndarray:
    """Returns, bool [V], which SentencePiece pieces start a word.

    Those with the space symbol; those that begin with `<`, as `<unk>` does; single punctuation
    marks; and whatever holds anything but English letters and punctuation, digits for example.
    """
    return np.array(
        [
            piece.startswith((sentencepiece_model.SPACE, "<"))
            or piece in _PUNCTUATION
            or not _IN_WORDS.issuperset(piece)
            for piece in pieces
        ]
    )


def for_wordpieces(pieces: Sequence[str]) -> np.ndarray:
    """Returns, bool [V], which of BERT's word pieces start a word: those without `##`."""
    return np.array([not piece.startswith("##") for piece in pieces])
