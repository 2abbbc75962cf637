"""Tests of the WordPiece vocabulary and tokenizer."""

import random
import re

import hypothesis
import pytest
import tensorflow as tf
import tensorflow_text as text
from hypothesis import strategies

from configs import errors
from preprocess.steps import tokenize
from preprocess.tokenizers import engines, truncation
from preprocess.vocabulary import wordpiece_vocabulary
from tests.support import word_pieces

_TEXTS = [
    "The river rose slowly.",
    "unaffable, UNAFFABLE!",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002 hello\u4f60",
    "Caf\u00e9 na\u00efve stra\u00dfe",
    "in 1980, 19'",
    "xq qx the",
    "a\tb\nc\u00a0d e\x00f",
    "",
    "   ",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return word_pieces.write(tmp_path_factory.mktemp("word_pieces"))


@pytest.fixture(scope="module")
def tokenizer(path):
    return engines.make(wordpiece_vocabulary.read(path), tokenization="hub", lower_case=True)


def test_read_finds_the_special_tokens(path):
    vocabulary = wordpiece_vocabulary.read(path)
    assert vocabulary.file_name == "vocab.txt"
    assert vocabulary.pieces == tuple(word_pieces.PIECES)
    assert (vocabulary.padding_id, vocabulary.unknown_id, vocabulary.mask_id) == (0, 2, 5)
    assert (vocabulary.start_of_sequence_id, vocabulary.end_of_segment_id) == (3, 4)
    vocabulary.check_vocab_size(len(word_pieces.PIECES))
    with pytest.raises(errors.VocabularyError, match="tokens, but vocab_size is 7"):
        vocabulary.check_vocab_size(7)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"[PAD]\n[UNK]\n[CLS]\na\n", r"token \[SEP\] is missing; token \[MASK\] is missing"),
        (
            b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\na\n\nb\n",
            r"line 8 is empty; token 'a' stands 2",
        ),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"\n" * 100, r"and \d+ more; token \[PAD\] is missing"),
    ],
)
def test_read_refuses_what_is_not_a_vocabulary(tmp_path, content, message):
    (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(errors.VocabularyError, match=message):
        wordpiece_vocabulary.read(str(tmp_path / "vocab.txt"))


def test_read_refuses_a_missing_file(tmp_path):
    with pytest.raises(errors.VocabularyError, match="does not exist"):
        wordpiece_vocabulary.read(str(tmp_path / "none"))
    with pytest.raises(errors.VocabularyError, match="not a regular file"):
        wordpiece_vocabulary.read(str(tmp_path))


def test_line_ends_of_windows_are_not_part_of_a_token(tmp_path):
    (tmp_path / "vocab.txt").write_bytes("\r\n".join(word_pieces.PIECES).encode())
    vocabulary = wordpiece_vocabulary.read(str(tmp_path / "vocab.txt"))
    assert vocabulary.pieces == tuple(word_pieces.PIECES)


def test_ids_are_those_of_the_rules(tokenizer):
    ids = tokenizer.encode(tf.constant(_TEXTS))
    assert ids.dtype == tf.int32
    assert ids.to_list() == [word_pieces.tokenize(text) for text in _TEXTS]


def test_ids_equal_tf_texts(tokenizer, path):
    """TF Hub's BERT preprocessors use this class."""
    reference = text.BertTokenizer(path, lower_case=True)
    draw = random.Random(3)
    alphabet = [*"aetxq ,.'\t\x00\u00e9\u0301\u200d\u4f60\u3002\u0600\u00df\ufb01", "the", " un"]
    texts = ["".join(draw.choices(alphabet, k=draw.randint(0, 25))) for _ in range(500)]
    expected = reference.tokenize(tf.constant(texts)).merge_dims(1, 2).to_list()
    assert tokenizer.encode(tf.constant(texts)).to_list() == expected


def test_a_cased_vocabulary_keeps_case(path):
    vocabulary = wordpiece_vocabulary.read(path)
    cased = engines.make(vocabulary, tokenization="hub", lower_case=False)
    lower, upper = cased.encode(tf.constant(["the", "The"])).to_list()
    assert lower == [vocabulary.pieces.index("the")]
    assert upper == [vocabulary.unknown_id]


def _check_offsets(tokenizer, texts):
    sentences = tf.constant(texts, tf.string)
    ids, starts, limits = tokenizer.encode_with_offsets(sentences)
    assert ids.to_list() == tokenizer.encode(sentences).to_list()
    for text_, row, first, last in zip(
        texts, ids.to_list(), starts.to_list(), limits.to_list(), strict=True
    ):
        assert first == sorted(first) and last == sorted(last)
        assert all(0 <= a <= b <= len(text_) for a, b in zip(first, last, strict=True))
        yield [(i, text_[a:b]) for i, a, b in zip(row, first, last, strict=True)]


def test_offsets_lie_in_the_original_text(tokenizer):
    pieces = tokenizer.vocabulary.pieces
    (row,) = _check_offsets(tokenizer, ["CAF\u00c9 unaffable\u4f60\uff0c Cafe\u0301 xq.".encode()])
    assert [(pieces[i], part.decode()) for i, part in row] == [
        ("cafe", "CAF\u00c9"),
        ("un", "un"),
        ("##aff", "aff"),
        ("##able", "able"),
        ("\u4f60", "\u4f60"),
        (",", "\uff0c"),
        ("cafe", "Cafe\u0301"),
        ("[UNK]", "xq"),
        (".", "."),
    ]


@hypothesis.given(
    texts=strategies.lists(strategies.one_of(strategies.text(), strategies.binary()), max_size=6)
)
def test_any_text_keeps_its_ids_and_ranges(tokenizer, texts):
    texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    assert len(list(_check_offsets(tokenizer, texts))) == len(texts)


def test_decoding_joins_the_pieces_of_words(tokenizer):
    step = tokenize.Tokenize(tokenizer)
    packed = [[3, *word_pieces.tokenize("unaffable, \u4f60\u597d"), 4, 0]]
    assert step.detokenize(tf.constant(packed)).numpy()[0].decode() == "unaffable , \u4f60 \u597d"


@pytest.mark.parametrize("count", [1, 14])
def test_the_first_tokens_are_those_of_the_whole(tokenizer, count):
    draw = random.Random(6)
    texts = [" ".join(draw.choices(_TEXTS, k=n)) for n in range(1, 30)]
    texts += ["\u4f60\u597d" * 500, "the " * 500, "x" * 900, "\u0301" * 900]
    whole = tokenizer.encode(tf.constant(texts)).to_list()
    first = truncation.encode_prefix(
        tf.constant(texts), count=count, encode=tokenizer.encode, boundary=tokenizer.boundary
    ).to_list()
    for wanted, actual in zip(whole, first, strict=True):
        assert actual[:count] == wanted[:count]
        assert len(actual) >= min(count, len(wanted))
    assert len(first[29]) < 100  # text is cut between ideographs too


def test_other_tokenizations_are_refused(path):
    message = re.escape("tokenization must be 'hub' for WordPiece, got 'original'")
    with pytest.raises(ValueError, match=message):
        engines.make(wordpiece_vocabulary.read(path), tokenization="original", lower_case=True)
