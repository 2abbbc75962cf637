"""Of several vocabularies beside weights the class decides, and those that differ are said."""

import json

import pytest

from configs import errors
from preprocess.vocabulary import finding, sentencepiece_proto
from tests.support import tokenizers

_WORDPIECES = (tokenizers.ROOT / "vocab.txt").read_text(encoding="utf-8")
_PIECES = {
    "spiece.model": [
        piece.piece
        for piece in sentencepiece_proto.ModelProto.FromString(tokenizers.model()).pieces
    ],
    "vocab.txt": _WORDPIECES.splitlines(),
}
_DECIDES = "{} has other pieces than {}, which decides"
_SETTINGS, _MODEL = "tokenizer_config.json", "config.json"


def _write(folder, *, tokenizer=None, sp_model=None, pieces=None, **classes):
    """Writes vocabularies, and the class by the file that says it."""
    if tokenizer is not None:
        tokenizers.write(tokenizer, folder)
    if sp_model is not None:
        (folder / "spiece.model").write_bytes(sp_model)
    if pieces is not None:
        text = "".join(f"{piece}\n" for piece in pieces)
        (folder / "vocab.txt").write_text(text, encoding="utf-8")
    for stem, name in classes.items():
        (folder / f"{stem}.json").write_text(json.dumps({"tokenizer_class": name}))


def _found(folder):
    found = finding.beside(str(folder))
    return found.path.removeprefix(f"{folder}/"), found.messages


@pytest.mark.parametrize("settings", [None, {}, {"do_lower_case": False}])
def test_the_class_of_the_config_counts_where_the_settings_say_none(tmp_path, settings):
    _write(tmp_path, pieces=_PIECES["vocab.txt"], config="BertJapaneseTokenizer")
    if settings is not None:
        (tmp_path / _SETTINGS).write_text(json.dumps(settings))
    with pytest.raises(errors.VocabularyError, match="is of a BertJapaneseTokenizer") as raised:
        finding.beside(str(tmp_path))
    assert repr(str(tmp_path / _MODEL)) in str(raised.value)
    assert "--notokenizer" in str(raised.value)
    _write(tmp_path, tokenizer_config="BertTokenizer")
    assert _found(tmp_path) == ("vocab.txt", ())


def test_a_model_of_another_class_in_the_config_is_refused(tmp_path):
    _write(tmp_path, sp_model=tokenizers.model(), config="T5Tokenizer")
    with pytest.raises(
        errors.VocabularyError, match=r"config\.json' is of a T5Tokenizer, .*Albert"
    ):
        finding.beside(str(tmp_path))
    _write(tmp_path, tokenizer_config="AlbertTokenizer")
    assert _found(tmp_path) == ("spiece.model", ())


@pytest.mark.parametrize(
    ("classes", "decides", "other"),
    [
        ({}, "spiece.model", "vocab.txt"),
        ({"config": "AlbertTokenizer"}, "spiece.model", "vocab.txt"),
        ({"config": "BertTokenizer"}, "vocab.txt", "spiece.model"),
        ({"tokenizer_config": "BertTokenizerFast"}, "vocab.txt", "spiece.model"),
        (
            {"tokenizer_config": "AlbertTokenizer", "config": "BertTokenizer"},
            "spiece.model",
            "vocab.txt",
        ),
        (
            {"tokenizer_config": "BertTokenizer", "config": "AlbertTokenizer"},
            "vocab.txt",
            "spiece.model",
        ),
    ],
)
def test_the_file_that_the_class_reads_decides_over_another_which_is_said(
    tmp_path, classes, decides, other
):
    _write(tmp_path, sp_model=tokenizers.model(), pieces=_PIECES["vocab.txt"], **classes)
    assert _found(tmp_path) == (decides, (_DECIDES.format(other, decides),))
    found = finding.beside(str(tmp_path))
    assert list(found.hugging_face.pieces) == _PIECES[decides]


@pytest.mark.parametrize("tokenizer", ["wordpiece_uncased", "v5_lower1_keep0"])
def test_a_vocabulary_beside_a_tokenizer_json_is_said_if_it_has_other_pieces(tmp_path, tokenizer):
    _write(tmp_path, tokenizer=tokenizer)
    pieces = list(finding.beside(str(tmp_path)).hugging_face.pieces)
    message = _DECIDES.format("vocab.txt", "tokenizer.json")
    for own, messages in (
        (pieces, ()),
        ([*pieces, "more"], (message,)),
        ([*pieces[:9], *pieces[10:]], (message,)),
        (pieces[:9], (message,)),
        ([*pieces[:8], pieces[9], pieces[8], *pieces[10:]], (message,)),
        ([], (message,)),
    ):
        _write(tmp_path, pieces=own)
        assert _found(tmp_path) == ("tokenizer.json", messages)


def test_a_model_beside_a_tokenizer_json_of_wordpiece_is_said(tmp_path):
    _write(tmp_path, tokenizer="wordpiece_uncased", sp_model=tokenizers.model())
    message = _DECIDES.format("spiece.model", "tokenizer.json")
    assert _found(tmp_path) == ("tokenizer.json", (message,))


@pytest.mark.parametrize("tokenizer", ["wordpiece_uncased", "v5_lower1_keep0"])
def test_a_model_that_is_none_need_not_be_read(tokenizer, tmp_path):
    """As where a repository was cloned without its large files."""
    _write(tmp_path, tokenizer=tokenizer)
    (tmp_path / "spiece.model").write_text("version https://git-lfs.github.com/spec/v1\n")
    name, (message,) = _found(tmp_path)
    assert name == "tokenizer.json" and message.startswith("spiece.model has other pieces")


def test_vocabularies_with_the_same_pieces_are_not_spoken_of(tmp_path):
    _write(tmp_path, sp_model=tokenizers.model(), pieces=_PIECES["spiece.model"])
    assert _found(tmp_path) == ("spiece.model", ())
    _write(tmp_path, tokenizer="wordpiece_uncased", pieces=_PIECES["vocab.txt"])
    (tmp_path / "spiece.model").unlink()
    # As Windows writes it, and without the tokens that were added behind its pieces.
    (tmp_path / "vocab.txt").write_bytes(_WORDPIECES.replace("\n", "\r\n").encode())
    assert _found(tmp_path) == ("tokenizer.json", ())


def test_added_tokens_need_not_be_in_the_vocabulary_beside(tmp_path):
    values = tokenizers.values("wordpiece_uncased")
    size = len(values["model"]["vocab"])
    token = {**values["added_tokens"][0], "id": size, "content": "<ent>"}
    values["added_tokens"] = [
        *(token for token in values["added_tokens"] if token["id"] < size),
        token,
    ]
    (tmp_path / "tokenizer.json").write_text(json.dumps(values))
    own = sorted(values["model"]["vocab"], key=values["model"]["vocab"].get)
    for pieces in (own, [*own, "<ent>"]):
        _write(tmp_path, pieces=pieces)
        assert _found(tmp_path) == ("tokenizer.json", ())


def test_a_vocabulary_that_the_class_does_not_read_is_said(tmp_path):
    _write(tmp_path, pieces=_PIECES["vocab.txt"], config="AlbertTokenizer")
    (note,) = finding.beside(str(tmp_path)).hugging_face.notes
    assert "used as BertTokenizer does" in note and "tokenizer_class of config.json" in note
    _write(tmp_path, config="BertTokenizer")
    assert finding.beside(str(tmp_path)).hugging_face.notes == ()
