"""Tests of `preprocess.tokenizers.truncation`."""

import random

import pytest
import tensorflow as tf

from configs import tokenizations
from preprocess.tokenizers import engines, truncation
from preprocess.vocabulary import sentencepiece_model
from tests.support import preprocess_golden


@pytest.fixture(scope="module", params=tokenizations.SENTENCEPIECE)
def tokenizer(request):
    model = sentencepiece_model.read(preprocess_golden.DIGIT_COMMA)
    return engines.make(model, tokenization=request.param, lower_case=True)


def _long_texts():
    draw = random.Random(7)
    golden = [text for text in preprocess_golden.strings() if len(text) < 300]
    texts = [b" ".join(draw.choices(golden, k=draw.randint(1, 40))) for _ in range(60)]
    texts += [b"".join(draw.choices(golden, k=draw.randint(1, 40))) for _ in range(20)]
    # No space, only spaces, only marks (far fewer tokens than bytes), one long word behind short
    # ones, and a character across the cut.
    texts += [b"x" * 5000, b" " * 5000, "\u0301".encode() * 3000, b"a b " + b"c" * 3000]
    texts += [
        b"ab " * 200 + "\u0301".encode() * 500 + b" c" * 500,
        ("\u6f22" * 900 + " b").encode(),
    ]
    texts += [b"a" * 20 + b" " + "\u6f22".encode() * 2000, b"", b"word"]
    return texts


@pytest.mark.parametrize("count", [1, 14, 126])
def test_the_first_tokens_are_those_of_the_whole(tokenizer, count):
    texts = tf.constant(_long_texts())
    whole = tokenizer.encode(texts).to_list()
    first = truncation.encode_prefix(
        texts, count=count, encode=tokenizer.encode, boundary=" "
    ).to_list()
    for wanted, actual in zip(whole, first, strict=True):
        assert actual[:count] == wanted[:count]
        assert len(actual) >= min(count, len(wanted))


def test_rows_do_not_depend_on_each_other(tokenizer):
    texts = _long_texts()
    together = truncation.encode_prefix(
        tf.constant(texts), count=14, encode=tokenizer.encode, boundary=" "
    ).to_list()
    for text, row in list(zip(texts, together, strict=True))[::9]:
        alone = truncation.encode_prefix(
            tf.constant([text]), count=14, encode=tokenizer.encode, boundary=" "
        )
        assert alone.to_list() == [row]


def test_most_of_a_long_text_is_never_tokenized():
    sizes = []

    def encode(strings):
        sizes.append(int(tf.reduce_sum(tf.strings.length(strings))))
        return tf.RaggedTensor.from_tensor(tf.zeros([strings.shape[0], 126], tf.int32))

    truncation.encode_prefix(
        tf.constant([b"some words " * 100_000, b"few"]), count=126, encode=encode, boundary=" "
    )
    assert sum(sizes) < 1000


def test_no_text_is_cut_to_nothing(tokenizer):
    empty = truncation.encode_prefix(
        tf.zeros([0], tf.string), count=5, encode=tokenizer.encode, boundary=" "
    )
    assert empty.shape[0] == 0
