"""`scripts/train_vocabulary.py` and `preprocess.vocabulary.training`."""

import os
import random

import pytest
import sentencepiece

from configs import errors
from preprocess.vocabulary import sentencepiece_model, training
from tests.support import processes

_SCRIPT = processes.REPOSITORY / "scripts" / "train_vocabulary.py"
_SPECIALS = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", *'()"-.', "\u2013", "\u00a3", "\u20ac"]


def _text():
    draw = random.Random(3)
    syllables = ["ka", "lo", "mi", "\u00c9t", "su", "ra", "ne", "To", "gi", "bu"]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(400)]
    return "\n".join(" ".join(draw.choices(words, k=30)) for _ in range(300))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus_folder") / "corpus_name.txt"
    path.write_text(_text(), encoding="utf-8")
    return path


def _run(*arguments, **options):
    return processes.python(_SCRIPT, *arguments, **options)


def test_the_command_writes_a_model_that_can_be_exported(corpus, tmp_path):
    output = tmp_path / "my.model"
    done = _run("--input", str(corpus), "--output", str(output), "--vocab_size=120")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{output}\n"
    model = sentencepiece_model.read(str(output))
    assert model.vocab_size == 120
    assert b"corpus_" not in output.read_bytes()
    assert os.listdir(tmp_path) == ["my.model"]


def test_the_special_pieces_lie_as_alberts(corpus):
    proto = training.train([str(corpus)], vocab_size=120, lower_case=True)
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
    assert [processor.id_to_piece(i) for i in range(len(_SPECIALS))] == _SPECIALS
    assert [processor.is_control(i) for i in range(6)] == [True, False, True, True, True, False]


def test_the_text_is_cleaned_before(corpus):
    for lower_case in (True, False):
        proto = training.train([str(corpus)], vocab_size=120, lower_case=lower_case)
        processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
        pieces = [processor.id_to_piece(i) for i in range(len(_SPECIALS), 120)]
        assert any(not piece.islower() for piece in pieces if piece.isascii()) is not lower_case
        assert not any("\u00c9" in piece or "\u0301" in piece for piece in pieces)


def test_the_same_text_gives_the_same_model(corpus):
    first, second = (training.train([str(corpus)], vocab_size=120, lower_case=True) for _ in "ab")
    assert first == second


def test_long_lines_are_learned_from_as_well(tmp_path):
    line = _text().replace("\n", " ")
    (tmp_path / "long").write_text(line, encoding="utf-8")
    assert len(line.encode()) > 10 * 4192
    proto = training.train([str(tmp_path / "long")], vocab_size=120, lower_case=True)
    assert sentencepiece.SentencePieceProcessor(model_proto=proto).vocab_size() == 120
    (tmp_path / "unbroken").write_text("\u00df\u4e00" * 5000, encoding="utf-8")
    training.train([str(tmp_path / "unbroken")], vocab_size=16, lower_case=False)


def test_too_many_pieces_are_refused_with_the_limit(corpus):
    with pytest.raises(errors.VocabularyError, match=r"cannot train 90000 pieces: .*too high.*<= "):
        training.train([str(corpus)], vocab_size=90000, lower_case=True)


def test_too_few_pieces_are_refused(corpus):
    with pytest.raises(errors.VocabularyError, match=r"cannot train 14 pieces: .*smaller than"):
        training.train([str(corpus)], vocab_size=14, lower_case=True)


def test_all_bad_files_are_named(tmp_path):
    (tmp_path / "latin").write_bytes("caf\u00e9\n".encode("latin-1"))
    paths = [str(tmp_path / "none"), str(tmp_path / "latin"), str(tmp_path)]
    with pytest.raises(errors.VocabularyError) as raised:
        training.check(paths)
    assert "none' is not a file; " in str(raised.value)
    assert "latin' is not UTF-8 text" in str(raised.value)
    assert f"{str(tmp_path)!r} is not a file" in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input=text"], "--output is required"),
        (["--output=new"], "--input is required"),
        (["--output=", "--input=text"], "--output must be a file, got ''"),
        (["--output=new", "--input=none"], "'none' is not a file"),
        (["--output=new", "--input=blank"], "no text in it"),
        (["--output=blank", "--input=text"], "exists"),
        (["--output=none/new", "--input=text"], "not a folder"),
        (["--output=new", "--input=text", "--vocab_size=0"], "vocab_size"),
        (["--output=new", "--input=text"], "too high"),
        (["--output=new", "--input=text", "more"], "unexpected arguments: more"),
    ],
    ids=range(10),
)
def test_bad_input_ends_in_one_clear_line(tmp_path, arguments, message):
    (tmp_path / "blank").write_text(" \n\n")
    (tmp_path / "text").write_text("a few words\n" * 9)
    done = _run(*arguments, cwd=tmp_path)
    assert message in processes.error(done)
    assert done.stdout == ""
    assert sorted(os.listdir(tmp_path)) == ["blank", "text"]
