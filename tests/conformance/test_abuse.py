"""Whatever text comes in, valid ids come out, and each row as if it were alone.

`pytest --stress tests/conformance/test_abuse.py` runs 10,000 strings.
"""

import random

import pytest
import tensorflow as tf

from tests.support import preprocess_artifacts, sampling

_MEGABYTE = 1_000_000
_UNICODE = [range(0x20, 0x7F), range(0xA0, 0x250), range(0x300, 0x370), range(0x400, 0x700)]
_UNICODE += [range(0x900, 0x1200), range(0x2000, 0x2100), range(0x3000, 0x3200)]
_UNICODE += [range(0xAC00, 0xAD00), range(0xFB00, 0x10000), range(0x1F300, 0x1F700)]


def _string(draw):
    kind = draw.randrange(8)
    length = int(draw.expovariate(1 / 60))
    if kind == 0:
        return draw.randbytes(length)
    if kind == 1:
        return bytes(draw.choices(b"\x00 \t\n\r\x0b\x85\xc2\xa0\xe2\x80\xa8", k=length))
    if kind == 2:
        return "".join(chr(draw.randint(0x300, 0x36F)) for _ in range(length)).encode()
    if kind == 3:
        return b" ".join(
            draw.choices([b"the", b"river", b"9,", b"a1,", b"[CLS]", b"\xff"], k=length)
        )
    if kind == 4:
        return b""
    every = kind == 5
    points = [
        draw.randrange(0x110000) if every else draw.choice(draw.choice(_UNICODE))
        for _ in range(length)
    ]
    return "".join(map(chr, points)).encode("utf-8", "surrogatepass")


def _lines():
    """Lines of a megabyte: prose, one word, whitespace, marks, bytes."""
    return [
        (b"the river rose slowly " * 50_000)[:_MEGABYTE],
        b"x" * _MEGABYTE,
        b" " * _MEGABYTE,
        "\u0301\u0327".encode() * (_MEGABYTE // 4),
        random.Random(1).randbytes(_MEGABYTE),
    ]


def _check_ids(ids, vocab_size):
    values = ids.values if isinstance(ids, tf.RaggedTensor) else ids
    tf.debugging.assert_non_negative(values)
    tf.debugging.assert_less(values, vocab_size)


@sampling.parametrize("name", ["default", "original", "word_pieces"], sample=["default"])
def test_any_text_gives_valid_ids_and_the_same_alone(name, stress):
    loaded = preprocess_artifacts.load(name)
    vocab_size = loaded.tokenize.get_special_tokens_dict()["vocab_size"]
    draw = random.Random(20)
    strings = [_string(draw) for _ in range(10_000 if stress else 200)]
    for start in range(0, len(strings), 1000):
        batch = strings[start : start + 1000]
        ids, starts, limits = loaded.tokenize_with_offsets(tf.constant(batch))
        _check_ids(ids, vocab_size)
        packed = loaded(tf.constant(batch))
        _check_ids(packed["input_word_ids"], vocab_size)
        together = zip(
            ids.to_list(),
            starts.to_list(),
            limits.to_list(),
            packed["input_word_ids"].numpy().tolist(),
            strict=True,
        )
        for text, expected in zip(batch, together, strict=True):
            alone = tf.constant([text])
            offsets = loaded.tokenize_with_offsets(alone)
            rows = [*(part.to_list() for part in offsets), loaded(alone)["input_word_ids"].numpy()]
            assert [list(row[0]) for row in rows] == list(expected)
            assert loaded.tokenize(alone).to_list() == [expected[0]]


@pytest.mark.stress
@pytest.mark.parametrize("name", ["default", "original", "word_pieces"])
def test_lines_of_a_megabyte_are_tokenized(name):
    loaded = preprocess_artifacts.load(name)
    vocab_size = loaded.tokenize.get_special_tokens_dict()["vocab_size"]
    lines = tf.constant(_lines())
    ids, starts, limits = loaded.tokenize_with_offsets(lines)
    _check_ids(ids, vocab_size)
    tf.debugging.assert_less_equal(starts.values, limits.values)
    tf.debugging.assert_less_equal(limits.values, tf.constant(_MEGABYTE, tf.int64))
    packed = loaded(lines)["input_word_ids"]
    expected = loaded.bert_pack_inputs([ids])["input_word_ids"]
    tf.debugging.assert_equal(packed, expected)
