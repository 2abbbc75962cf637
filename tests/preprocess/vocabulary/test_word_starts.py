"""Tests of `preprocess.vocabulary.word_starts`, from the description of the original's rules."""

import pytest

from preprocess.vocabulary import sentencepiece_model, word_starts


@pytest.mark.parametrize(
    ("piece", "starts"),
    [
        ("\u2581the", True),
        ("\u2581", True),
        ("ing", False),
        ("Ing", False),
        (".", True),
        (",", True),
        ("'", True),  # not in the original's list of punctuation, so it counts as a foreign letter
        ("'s", True),
        ("n-t", False),  # only letters and punctuation, and more than one character
        ("...", False),
        ("9", True),
        ("a1", True),
        ("\u00e9", True),
        ("\u6f22", True),
        ("\u20ac", True),
        ("<unk>", True),
        ("<pad>", True),
        ("[MASK]", False),
    ],
)
def test_pieces_start_words_as_in_the_original(piece, starts):
    assert word_starts.for_pieces([piece]).tolist() == [starts]


def test_every_piece_with_a_space_starts_a_word():
    pieces = sentencepiece_model.read(None).pieces
    starts = word_starts.for_pieces(pieces)
    assert starts.shape == (30000,)
    assert all(start for piece, start in zip(pieces, starts, strict=True) if piece[0] == "\u2581")
    assert 1000 < (~starts).sum() < 15000


def test_word_pieces_with_a_mark_continue_a_word():
    assert word_starts.for_wordpieces(["[UNK]", "a", "##a", "#", "##"]).tolist() == [
        True,
        True,
        False,
        True,
        False,
    ]
