"""Reading SentencePiece models: contents, refusals and error messages."""

import hashlib
import pathlib
import re

import pytest
import sentencepiece

from configs import errors
from preprocess.vocabulary import sentencepiece_model
from tests.support import preprocess_golden, processes

_DIGIT_COMMA = preprocess_golden.ROOT / "spm_digit_comma.model"
_SHIPPED_SHA256 = "54cad1494489f9157233294cb000b7cbd91fcf812d2e5cb55f38bf0845a2fa40"
_TEXT = "the quick brown fox jumps over the lazy dog and runs into the dark green wood\n" * 20


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("secret_folder") / "secret_input.txt"
    path.write_text(_TEXT)
    return path


def _train(text_file, prefix, **overrides):
    flags = {
        "input": str(text_file),
        "model_prefix": str(prefix),
        "hard_vocab_limit": False,
        "pad_id": 0,
        "unk_id": 1,
        "bos_id": -1,
        "eos_id": -1,
        "control_symbols": "[CLS],[SEP],[MASK]",
        "minloglevel": 2,
        **overrides,
    }
    sentencepiece.SentencePieceTrainer.train(**flags)
    return pathlib.Path(f"{prefix}.model")


def test_read_without_a_path_gives_the_shipped_vocabulary():
    model = sentencepiece_model.read(None)
    assert model.file_name == "en_uncased_30k.model"
    assert model.file_sha256 == _SHIPPED_SHA256
    assert model.vocab_size == 30000
    assert (model.padding_id, model.unknown_id) == (0, 1)
    assert (model.start_of_sequence_id, model.end_of_segment_id, model.mask_id) == (2, 3, 4)


def test_read_keeps_the_bytes_of_a_model_without_paths():
    content = _DIGIT_COMMA.read_bytes()
    model = sentencepiece_model.read(str(_DIGIT_COMMA))
    assert model.proto == content
    assert model.file_sha256 == hashlib.sha256(content).hexdigest()
    assert model.file_name == "spm_digit_comma.model"


def test_read_clears_the_paths_of_training_and_nothing_else(text_file, tmp_path):
    seeds = tmp_path / "secret_seeds.tsv"
    seeds.write_text("the\t50\nquick\t20\n")
    rules = tmp_path / "secret_rules.tsv"
    rules.write_text("41\t61\n")
    path = _train(
        text_file,
        tmp_path / "secret_prefix",
        seed_sentencepieces_file=str(seeds),
        normalization_rule_tsv=str(rules),
    )
    content = path.read_bytes()
    assert b"secret" in content
    model = sentencepiece_model.read(str(path))
    assert b"secret" not in model.proto
    assert model.file_sha256 == hashlib.sha256(content).hexdigest()
    before = sentencepiece.SentencePieceProcessor(model_proto=content)
    after = sentencepiece.SentencePieceProcessor(model_proto=model.proto)
    assert after.encode(_TEXT + "A") == before.encode(_TEXT + "A")
    assert sentencepiece_model.without_paths(model.proto) == model.proto


def test_clearing_paths_keeps_fields_of_later_versions_of_the_format(text_file, tmp_path):
    content = _train(text_file, tmp_path / "m").read_bytes()
    later = b"\xc2\x0c\x03abc"  # field 200, in the range for extensions
    assert sentencepiece_model.without_paths(content + later).endswith(later)


def test_read_finds_special_pieces_at_any_id(text_file, tmp_path):
    path = _train(text_file, tmp_path / "m", pad_id=3, unk_id=0)
    model = sentencepiece_model.read(str(path))
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    for attribute, piece in sentencepiece_model.SPECIAL_PIECES.items():
        assert processor.id_to_piece(getattr(model, attribute)) == piece


def test_read_lists_every_special_piece_that_is_missing(text_file, tmp_path):
    path = _train(text_file, tmp_path / "m", pad_id=-1, control_symbols="[SEP]")
    with pytest.raises(errors.VocabularyError) as raised:
        sentencepiece_model.read(str(path))
    message = str(raised.value)
    assert re.findall(r"piece (\S+) is missing", message) == ["[CLS]", "[MASK]"]
    assert str(path) in message


def test_read_takes_the_unknown_and_padding_pieces_that_the_model_has(text_file, tmp_path):
    path = _train(text_file, tmp_path / "m", unk_piece="<what>", pad_piece="<fill>", pad_id=2)
    model = sentencepiece_model.read(str(path))
    assert (model.pieces[model.unknown_id], model.pieces[model.padding_id]) == ("<what>", "<fill>")
    assert model.notes == ()


def test_read_fills_rows_with_id_0_without_a_padding_piece_and_says_so(text_file, tmp_path):
    path = _train(text_file, tmp_path / "m", pad_id=-1, unk_id=0)
    model = sentencepiece_model.read(str(path))
    assert (model.padding_id, model.unknown_id) == (0, 0)
    assert model.notes == ("m.model has no padding piece: rows are filled with id 0",)


def test_read_finds_padding_that_is_a_control_symbol(text_file, tmp_path):
    symbols = "[CLS],[SEP],[MASK],[PAD]"
    path = _train(text_file, tmp_path / "m", pad_id=-1, unk_id=0, control_symbols=symbols)
    model = sentencepiece_model.read(str(path))
    assert model.pieces[model.padding_id] == "[PAD]"


def test_read_takes_special_pieces_by_the_names_it_is_given(text_file, tmp_path):
    path = _train(text_file, tmp_path / "m", control_symbols="<s>,</s>,<mask>")
    names = {"start_of_sequence_id": "<s>", "end_of_segment_id": "</s>", "mask_id": "<mask>"}
    model = sentencepiece_model.read(str(path), special_pieces=names)
    for attribute, piece in names.items():
        assert model.pieces[getattr(model, attribute)] == piece
    with pytest.raises(errors.VocabularyError, match="piece <other> is missing"):
        sentencepiece_model.read(str(path), special_pieces={**names, "mask_id": "<other>"})


def test_read_refuses_an_unknown_piece_that_the_model_uses_otherwise(text_file, tmp_path):
    path = _train(text_file, tmp_path / "m")
    with pytest.raises(errors.VocabularyError, match="is not the model's unknown piece"):
        sentencepiece_model.read(str(path), special_pieces={"unknown_id": "[CLS]"})


def test_read_refuses_what_is_not_there(tmp_path):
    with pytest.raises(errors.VocabularyError, match="does not exist"):
        sentencepiece_model.read(str(tmp_path / "none.model"))
    with pytest.raises(errors.VocabularyError, match="not a regular file"):
        sentencepiece_model.read(str(tmp_path))


def _piece_boundary(content):
    """Returns a length at which `content` can be cut between two pieces."""
    position = 0
    while position < 5000:
        assert content[position] == 0x0A  # field 1, length-delimited
        position += 2 + content[position + 1]
    return position


@pytest.mark.parametrize(
    ("case", "damage"),
    [
        ("empty", lambda content: b""),
        ("text", lambda content: b"this is no model\n" * 50),
        ("zeros", lambda content: bytes(100)),
        ("cut in a field", lambda content: content[:-7]),
        ("cut between fields", lambda content: content[: _piece_boundary(content)]),
        ("a flipped key", lambda content: b"\x0b" + content[1:]),
        ("an endless number", lambda content: content + b"\xff" * 20),
        ("a piece that is not UTF-8", lambda content: content.replace(b"the", b"th\xf2", 1)),
    ],
)
def test_read_refuses_a_file_that_is_not_a_model(tmp_path, capfd, case, damage):
    path = tmp_path / "bad.model"
    path.write_bytes(damage(_DIGIT_COMMA.read_bytes()))
    with pytest.raises(errors.VocabularyError, match=r"is empty|is not a SentencePiece model"):
        sentencepiece_model.read(str(path))
    assert capfd.readouterr().out == "", case


def test_import_needs_no_tensorflow():
    code = (
        "import sys; from preprocess.vocabulary import sentencepiece_model as m; m.read(None);"
        "assert not any(n.split('.')[0] == 'tensorflow' for n in sys.modules)"
    )
    without = processes.environment(without_tensorflow=True)
    done = processes.python("-c", code, env=without)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
