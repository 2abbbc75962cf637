"""Finds the pieces of a vocabulary that start a word, for masking and answering in whole words.

Example:
    word_starts.for_pieces(["\u2581the", "re", "fore", "."])  # [True, False, False, True]

The rules of `for_pieces` are google-research/albert's, `create_pretraining_data.py`.
"""

import string
from collections.abc import Sequence

import numpy as np

from preprocess.vocabulary import sentencepiece_model, wordpiece_vocabulary

# The original's list is ASCII punctuation without these four.
_PUNCTUATION = frozenset(string.punctuation) - frozenset("'<=>")
_IN_WORDS = _PUNCTUATION | frozenset(string.ascii_letters)


def for_pieces(pieces: Sequence[str]) -> np.ndarray:
    """Returns, bool [V], whether each SentencePiece piece starts a word.

    These pieces do: with the space symbol; beginning with `<`, as `<unk>`; a single punctuation
    mark; containing characters other than English letters and punctuation, for example digits.
    """
    return np.array(
        [
            piece.startswith((sentencepiece_model.SPACE, "<"))
            or piece in _PUNCTUATION
            or not _IN_WORDS.issuperset(piece)
            for piece in pieces
        ]
    )


def at_spaces(pieces: Sequence[str]) -> np.ndarray:
    """Returns, bool [V], whether each SentencePiece piece begins with the space symbol.

    These are the words of Hugging Face's `tokenizers`: whatever stands between two spaces.
    """
    return np.array([piece.startswith(sentencepiece_model.SPACE) for piece in pieces])


def for_wordpieces(pieces: Sequence[str]) -> np.ndarray:
    """Returns, bool [V], whether each of BERT's word pieces starts a word: is without `##`."""
    return np.array([not piece.startswith(wordpiece_vocabulary.CONTINUES) for piece in pieces])
