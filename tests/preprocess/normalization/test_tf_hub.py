"""Tests of `preprocess.normalization.tf_hub`."""

import random

import pytest
import tensorflow as tf
import tensorflow_text as text

from preprocess.normalization import tf_hub


def _model_gardens(sentences, *, lower_case):
    """Normalizes as TensorFlow Model Garden's SentencepieceTokenizer does."""
    stripped = tf.strings.regex_replace(text.normalize_utf8(sentences, "NFD"), r"\p{Mn}", "")
    return text.case_fold_utf8(stripped) if lower_case else stripped


@pytest.mark.parametrize("lower_case", [True, False])
def test_every_character_is_normalized_as_in_model_garden(lower_case, stress):
    normalize = tf_hub.TfHubNormalization(lower_case=lower_case)
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    sentences = tf.constant([f"A{c}b" for c in every[:: 1 if stress else 29]] + every[:0x3000])
    expected = _model_gardens(sentences, lower_case=lower_case)
    tf.debugging.assert_equal(normalize(sentences), expected)


def test_mixed_text_is_normalized_as_in_model_garden(stress):
    normalize = tf_hub.TfHubNormalization(lower_case=True)
    draw = random.Random(2)
    alphabet = [*"aE \x00\t", *map(chr, range(0x300, 0x345)), *map(chr, range(0x5B0, 0x5C0))]
    alphabet += [*"\u0bc6\u0bbe\u09be\u1100\u1161\u11a8\uac00\uff76\uff9e\u200d\u0e33\u302e\u1b44"]
    texts = [
        "".join(draw.choices(alphabet, k=draw.randint(0, 60))).encode()
        for _ in range(50000 if stress else 3000)
    ]
    texts += [draw.randbytes(draw.randint(0, 40)) for _ in range(50000 if stress else 3000)]
    sentences = tf.constant(texts)
    expected = _model_gardens(sentences, lower_case=True)
    tf.debugging.assert_equal(normalize(sentences), expected)


def test_many_marks_in_a_row_are_removed():
    normalize = tf_hub.TfHubNormalization(lower_case=True)
    texts = tf.constant(["e" + "\u0301\u0327" * n for n in (1, 4, 5, 100_000)])
    assert normalize(texts).numpy().tolist() == [b"e"] * 4
