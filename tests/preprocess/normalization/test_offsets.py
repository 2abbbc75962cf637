"""Tests of `preprocess.normalization.offsets`, and of the tokenizers' offsets."""

import random
import re
import unicodedata

import hypothesis
import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import strategies

from configs import tokenizations
from preprocess.normalization import tf_hub
from preprocess.tokenizers import engines
from preprocess.vocabulary import sentencepiece_model
from tests.support import preprocess_golden

_KINDS = [
    (tokenization, suffix) for tokenization in tokenizations.SENTENCEPIECE for suffix in ("", "_dc")
]

# Difficult characters: marks before and after anything, Hangul in all its forms, joiners,
# ligatures, whitespace of all kinds, digits with commas, NUL, halfwidth voicing marks.
_TRICKY = [
    *"aeAEz09,. '\u0131\u0130\u00df\u1e9e\ufb01\u00bd\u2075\u2460\u3231\u33a5\ufdfa",
    *"\u0300\u0301\u0327\u0345\u064b\u05b7\u0e33\u0bc6\u0bbe\u09c7\u09be\u20dd\u20e3",
    *"\u1100\u1161\u11a8\uac00\uac01\u3131\u314f\uffa1\uffc2\u3260\u326e\u115f\u1160\u3164",
    *"\u200b\u200d\u200c\u00ad\ufe0f\u2060\ufeff\u180e\U0001f468\U0001f469\u2764\U000e0041",
    *"\u30ab\uff76\uff9e\u3099\u309b\u03a3\u03c2\u1fb3\u01c5\u0149\u01f0\u1e9b\u212b\u2126",
    *" \t\n\x0b\x1c\x85\u00a0\u2028\u3000\x00\x01\x7f\u2581<>[]\ue000\U000110ba\U0001109a",
    *["the", " the ", "1,", "9, ", "[CLS]", "<pad>", "\ufffd", "\u6f22\u5b57", "\u0915\u093c"],
]


# Without --stress the vocabulary with pieces of digits and commas, which matters to `original`.
_SAMPLE = [kind for kind in _KINDS if bool(kind[1]) == (kind[0] == tokenizations.ORIGINAL)]


@pytest.fixture(
    scope="module",
    params=[pytest.param(k, marks=() if k in _SAMPLE else pytest.mark.stress) for k in _KINDS],
    ids=lambda kind: "".join(kind),
)
def tokenizer(request):
    tokenization, suffix = request.param
    model = sentencepiece_model.read(preprocess_golden.VOCABULARIES[suffix])
    return engines.make(model, tokenization=tokenization, lower_case=True)


def _rows(tokenizer, texts):
    """Returns, for each text, its ids and ranges."""
    sentences = tf.constant(texts, tf.string)
    ids, starts, limits = tokenizer.encode_with_offsets(sentences)
    assert (ids.dtype, starts.dtype, limits.dtype) == (tf.int32, tf.int64, tf.int64)
    assert ids.to_list() == tokenizer.encode(sentences).to_list()
    return zip(ids.to_list(), starts.to_list(), limits.to_list(), strict=True)


def _check_ranges(tokenizer, texts):
    for text, (_, starts, limits) in zip(texts, _rows(tokenizer, texts), strict=True):
        assert starts == sorted(starts), (text, starts)
        assert limits == sorted(limits), (text, limits)
        for start, limit in zip(starts, limits, strict=True):
            assert 0 <= start <= limit <= len(text), (text, start, limit)
            for offset in {start, limit} - {len(text)}:
                inside_a_character = text[offset] & 0xC0 == 0x80
                assert not inside_a_character or not _is_utf8(text), (text, offset)


def _is_utf8(text):
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _check_slices(tokenizer, texts):
    """Checks that the text of a range, normalized by itself, is the piece."""
    pieces = tokenizer.vocabulary.pieces
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.vocabulary.proto)
    space = sentencepiece_model.SPACE
    for text, (ids, starts, limits) in zip(texts, _rows(tokenizer, texts), strict=True):
        slices = [text[start:limit] for start, limit in zip(starts, limits, strict=True)]
        normalized = [processor.normalize(_normalize(tokenizer, part)) for part in slices]
        for piece_id, part, actual in zip(ids, slices, normalized, strict=True):
            expected = pieces[piece_id].replace(space, "")
            if piece_id == tokenizer.vocabulary.unknown_id or not expected:
                continue
            actual = actual.replace(space, "")
            widened = any(
                _is_widened(tokenizer, char) or not processor.normalize(char)
                for char in part.decode()
            )
            assert expected in actual if widened else expected == actual, (
                text,
                part,
                expected,
                actual,
            )


def _is_widened(tokenizer, char):
    """Returns whether a character becomes several, or may form one with its neighbour."""
    return (
        len(_normalize(tokenizer, char.encode())) > 1
        or unicodedata.category(char).startswith("M")
        or re.match("[\u1100-\u11ff\u3131-\u3164\ud7b0-\ud7ff\uff9e-\uffdc]", char)
    )


def _normalize(tokenizer, part):
    return tokenizer._normalize(tf.constant([part])).numpy()[0].decode()


def test_the_golden_strings_keep_their_ids_and_ranges(tokenizer):
    _check_ranges(tokenizer, preprocess_golden.strings())


def test_ranges_hold_their_pieces(tokenizer, stress):
    strings = [text for text in preprocess_golden.strings() if len(text) < 200 and _is_utf8(text)]
    _check_slices(tokenizer, random.Random(1).sample(strings, 40 if stress else 15))


def test_a_mark_belongs_to_the_range_of_its_letter(tokenizer):
    (row,) = _rows(tokenizer, ["Cafe\u0301 au lait".encode()])
    _, starts, limits = row
    words = {bytes("Cafe\u0301 au lait", "utf-8")[starts[0] : limit] for limit in limits}
    assert "Cafe\u0301".encode() in words


def test_the_space_before_a_word_is_left_out(tokenizer):
    text = b"the   the\t the"
    (row,) = _rows(tokenizer, [text])
    assert [text[start:limit] for _, start, limit in zip(*row, strict=True)] == [b"the"] * 3


def test_parts_of_an_expanded_character_get_all_of_it(tokenizer):
    text = "x \u00bd y".encode()
    (row,) = _rows(tokenizer, [text])
    assert all(
        text[start:limit] in (b"x", "\u00bd".encode(), b"y", b" ", b"")
        for _, start, limit in zip(*row, strict=True)
    )


def test_a_digit_and_its_comma_are_told_apart():
    model = sentencepiece_model.read(preprocess_golden.DIGIT_COMMA)
    original = engines.make(model, tokenization="original", lower_case=True)
    text = b"in 9, a1, 3"
    ((ids, starts, limits),) = _rows(original, [text])
    parts = [
        (model.pieces[piece_id], text[start:limit])
        for piece_id, start, limit in zip(ids, starts, limits, strict=True)
    ]
    assert ("\u25819", b"9") in parts or ("9", b"9") in parts
    assert [part for piece, part in parts if piece == ","] == [b",", b","]
    # The space symbol that the second split adds within a word has no text.
    assert ("\u25811", b"1") in parts


def test_tricky_strings_keep_their_ids_and_ranges(tokenizer, stress):
    draw = random.Random(11)
    for _ in range(200 if stress else 2):
        texts = ["".join(draw.choices(_TRICKY, k=draw.randint(0, 30))).encode() for _ in range(100)]
        _check_ranges(tokenizer, texts)
        _check_slices(tokenizer, texts[:3])


def test_units_are_normalized_as_the_whole_is(stress):
    """The sizes of the units add up, so no unit is changed by its neighbours."""
    normalize = tf_hub.TfHubNormalization(lower_case=True)
    draw = random.Random(12)
    texts = [
        "".join(draw.choices(_TRICKY, k=draw.randint(0, 20)))
        for _ in range(20000 if stress else 2000)
    ]
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    # Each character is between two difficult ones.
    texts += [
        draw.choice(_TRICKY) + c + draw.choice(_TRICKY) for c in (every if stress else every[::37])
    ]
    units = normalize.align(tf.constant(texts))
    ends = tf.concat([[0], tf.cumsum(units.sizes)], axis=0)
    sizes = tf.gather(ends, units.row_splits[1:]) - tf.gather(ends, units.row_splits[:-1])
    expected = tf.strings.length(normalize(tf.constant(texts))).numpy()
    differing = [text for text, a, b in zip(texts, sizes.numpy(), expected, strict=True) if a != b]
    assert differing == []


@hypothesis.given(texts=strategies.lists(strategies.text(max_size=40), max_size=8))
def test_any_text_keeps_its_ids_and_ranges(tokenizer, texts):
    _check_ranges(tokenizer, [text.encode() for text in texts])


@hypothesis.given(texts=strategies.lists(strategies.binary(max_size=40), max_size=8))
def test_any_bytes_keep_their_ids_and_ranges(tokenizer, texts):
    _check_ranges(tokenizer, texts)
