"""The tokenizer is that beside the weights, as the files or the user say."""

import dataclasses
import json
import shutil

import pytest

from configs import errors
from export.artifacts import tokenizer_choice
from export.checkpoints import opening
from preprocess.vocabulary import finding
from tests.support import golden, tokenizers, word_pieces

_VOCABULARY = str(golden.VOCABULARY)
_ALL = (*tokenizers.UNIGRAM, *tokenizers.SLOW, *tokenizers.WORDPIECE)
_NOTHING = tokenizer_choice.Request()


def _of(path, **said):
    return tokenizer_choice.of_checkpoint(opening.open(str(path)), tokenizer_choice.Request(**said))


@pytest.fixture
def hf(golden_root, tmp_path):
    """A Hugging Face directory without a tokenizer."""
    folder = tmp_path / "hf"
    folder.mkdir()
    for file in ("config.json", "model.safetensors"):
        shutil.copy(golden_root / "tiny" / "hf" / file, folder)
    return folder


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("tf1", "30k-clean.model"),
        ("tf1_hub", "30k-clean.model"),
        ("model_garden/saved_model", "30k-clean.model"),
    ],
)
def test_it_comes_with_the_weights_and_is_hub_s_for_all_but_transformers(golden_root, source, file):
    tokenizer = _of(golden_root / "tiny" / source)
    assert tokenizer.vocabulary.file_name == file
    assert (tokenizer.tokenization, tokenizer.lower_case) == ("hub", True)
    assert any("--tokenization=original" in notice for notice in tokenizer.notices)
    original = _of(golden_root / "tiny" / source, tokenization="original")
    assert original.tokenization == "original"
    assert not any("--tokenization" in notice for notice in original.notices)


def test_none_anywhere_is_an_error_that_says_what_to_do(golden_root):
    for flag in ("--sp_model_file", "--vocab_file", "--notokenizer"):
        with pytest.raises(errors.VocabularyError, match=flag):
            _of(golden_root / "tiny" / "model_garden" / "encoder")


def test_two_different_ones_are_ambiguous_and_equal_ones_are_not(golden_root, tmp_path):
    shutil.copytree(golden_root / "tiny" / "tf1", tmp_path / "tf1")
    shutil.copy(_VOCABULARY, tmp_path / "tf1" / "spiece.model")
    assert _of(tmp_path / "tf1").vocabulary.file_name == "spiece.model"
    (tmp_path / "tf1" / "spiece.model").write_bytes(b"\n\0")
    with pytest.raises(errors.VocabularyError, match="--sp_model_file"):
        _of(tmp_path / "tf1")


def test_that_of_keras_hub_is_found(golden_root, tmp_path):
    shutil.copytree(golden_root / "tiny" / "keras_hub" / "preset", tmp_path, dirs_exist_ok=True)
    (tmp_path / "assets" / "tokenizer").mkdir(parents=True)
    shutil.copy(_VOCABULARY, tmp_path / "assets" / "tokenizer" / "vocabulary.spm")
    assert _of(tmp_path).vocabulary.file_name == "vocabulary.spm"


@pytest.mark.parametrize("name", _ALL)
def test_weights_of_transformers_get_the_steps_of_their_tokenizer(hf, name):
    tokenizers.write(name, hf)
    tokenizer = _of(hf)
    assert tokenizer.tokenization == "huggingface"
    assert tokenizer.hugging_face == finding.beside(str(hf)).hugging_face
    plain = _of(hf, tokenization="hub") if not tokenizer.is_wordpiece else tokenizer
    assert (plain.lower_case, plain.keep_accents) == (tokenizer.lower_case, tokenizer.keep_accents)


@pytest.mark.parametrize("name", _ALL)
def test_what_an_encoder_s_assets_say_is_the_same_tokenizer(hf, tmp_path, name):
    tokenizers.write(name, hf)
    first = _of(hf)
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / first.vocabulary.file_name).write_bytes(first.asset)
    (assets / "tokenizer_config.json").write_bytes(first.settings)
    if first.tokenizer_json is not None:
        (assets / "tokenizer.json").write_bytes(first.tokenizer_json)
    second = tokenizer_choice.resolve(_NOTHING, directories=[str(assets)])
    keys = ("tokenization", "tokenization_sha256", "lower_case", "keep_accents")
    one, other = first.manifest_entries(), second.manifest_entries()
    assert [other[key] for key in keys] == [one[key] for key in keys]
    assert other["tokenizer"]["sha256"] in one["tokenizer"].values()
    assert second.described.pieces == first.described.pieces


@pytest.mark.parametrize("said", [{"lower_case": True}, {"keep_accents": False}])
def test_a_file_that_decides_admits_no_flag(hf, said):
    tokenizers.write("v5_lower0_keep1", hf)
    with pytest.raises(errors.VocabularyError, match=r"tokenizer\.json .* decide"):
        _of(hf, **said)
    with pytest.raises(errors.VocabularyError, match="beside the weights says"):
        _of(hf, tokenization="original", **said)


def test_settings_that_only_transformers_5_follows_are_recorded(hf):
    tokenizers.write("v4_lower1_keep0", hf)
    (hf / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    tokenizer = _of(hf)
    (notice,) = tokenizer.manifest_entries()["tokenizer_notices"]
    assert tokenizer.lower_case and "tokenizer.json decides, as in transformers 4" in notice


@pytest.mark.parametrize("tokenization", ["huggingface", "original"])
def test_a_tokenizer_without_types_is_said_also_by_an_encoder_s_assets(hf, tmp_path, tokenization):
    tokenizers.write("v5_lower1_keep0", hf)
    (hf / "tokenizer_config.json").write_text('{"model_input_names": ["input_ids"]}')
    first = _of(hf, tokenization=tokenization)
    (tmp_path / first.vocabulary.file_name).write_bytes(first.asset)
    (tmp_path / "tokenizer_config.json").write_bytes(first.settings)
    second = tokenizer_choice.resolve(_NOTHING, directories=[str(tmp_path)])
    for tokenizer in (first, second):
        entries = tokenizer.manifest_entries()
        assert entries["has_types"] is False
        assert any("lacks token_type_ids" in line for line in entries["tokenizer_notices"])
    (hf / "tokenizer_config.json").write_text('{"model_input_names": ["token_type_ids"]}')
    assert "has_types" not in _of(hf, tokenization=tokenization).manifest_entries()


def test_a_model_without_settings_is_said_to_be_guessed(hf):
    shutil.copy(_VOCABULARY, hf / "spiece.model")
    tokenizer = _of(hf)
    notices = "\n".join(tokenizer.notices)
    assert "fast tokenizers made of it give other ids" in notices
    assert "text is lower-cased and stripped of accents, as nothing" in notices
    assert tokenizer.manifest_entries()["tokenizer_notices"] == list(tokenizer.notices)
    (hf / "tokenizer_config.json").write_text('{"do_lower_case": false, "keep_accents": true}')
    cased = _of(hf)
    assert (cased.lower_case, cased.keep_accents) == (False, True)
    assert not any("as nothing" in notice for notice in cased.notices)


def test_pieces_that_are_never_produced_are_counted(tmp_path):
    (tmp_path / "cased.model").write_bytes(tokenizers.model())
    request = tokenizer_choice.Request(sp_model_file=str(tmp_path / "cased.model"))
    notices = tokenizer_choice.of(request, checkpoint=None, encoder=None).notices
    assert any("have upper-case letters and are never produced" in notice for notice in notices)
    assert any("have accents and are never produced" in notice for notice in notices)
    said = dataclasses.replace(request, lower_case=False)
    (notice, count, _) = tokenizer_choice.of(said, checkpoint=None, encoder=None).notices
    assert "text is stripped of accents" in notice and "see --keep_accents" in count


def test_names_of_special_tokens_may_be_given(hf):
    tokenizers.write("v5_lower1_keep0", hf)
    values = json.loads((hf / "tokenizer.json").read_text().replace("[MASK]", "<mask>"))
    (hf / "tokenizer.json").write_text(json.dumps(values))
    with pytest.raises(errors.VocabularyError, match="--special_tokens"):
        _of(hf)
    assert _of(hf, special_tokens="mask=<mask>").hugging_face.mask_id == 4
    with pytest.raises(errors.VocabularyError, match="keys of pad, unk, cls, sep, mask"):
        _of(hf, special_tokens="masked=<mask>")


@pytest.mark.parametrize("name", ["v5_lower1_keep0", "slow_lower1_keep0"])
def test_the_languages_that_the_user_says_are_recorded(hf, name):
    tokenizers.write(name, hf)
    assert "language" not in _of(hf).manifest_entries()
    said = _of(hf, language="hi,ta").manifest_entries()
    assert said == {**_of(hf).manifest_entries(), "language": ["hi", "ta"]}
    with pytest.raises(errors.ConfigError, match="--language must be BCP 47"):
        _of(hf, language="Hindi")


def test_a_wordpiece_vocabulary_beside_the_weights_is_found(golden_root, hf, tmp_path):
    vocabulary = word_pieces.write(tmp_path)
    shutil.copy(vocabulary, hf / "vocab.txt")
    assert _of(hf).tokenization == "huggingface"
    shutil.copytree(golden_root / "tiny" / "tf1", tmp_path / "tf1")
    (tmp_path / "tf1" / "30k-clean.model").unlink()
    shutil.copy(vocabulary, tmp_path / "tf1" / "vocab_chinese.txt")
    assert (_of(tmp_path / "tf1").tokenization, _of(tmp_path / "tf1").is_wordpiece) == ("hub", True)
    with pytest.raises(errors.VocabularyError, match="is for a SentencePiece model"):
        _of(tmp_path / "tf1", tokenization="original")
    with pytest.raises(errors.VocabularyError, match="--tokenization=huggingface"):
        _of(tmp_path / "tf1", keep_accents=True)


def test_a_vocabulary_that_does_not_decide_is_recorded(hf):
    shutil.copy(_VOCABULARY, hf / "spiece.model")
    word_pieces.write(hf)
    for tokenization in ("hub", "huggingface"):
        notices = _of(hf, tokenization=tokenization).manifest_entries()["tokenizer_notices"]
        assert "vocab.txt has other pieces than spiece.model, which decides" in notices
    config = json.loads((hf / "config.json").read_text())
    (hf / "config.json").write_text(json.dumps(config | {"tokenizer_class": "BertTokenizer"}))
    first = _of(hf)
    notice = "spiece.model has other pieces than vocab.txt, which decides"
    assert notice in first.manifest_entries()["tokenizer_notices"]
    assert first.described.pieces == tuple(word_pieces.PIECES)


@pytest.mark.parametrize("settings", [None, {"do_lower_case": False}])
def test_the_class_in_the_weights_config_counts_for_a_file_that_the_user_names(
    hf, tmp_path, settings
):
    vocabulary = word_pieces.write(tmp_path)
    if settings is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert _of(hf, vocab_file=vocabulary).lower_case is (settings is None)
    config = json.loads((hf / "config.json").read_text())
    (hf / "config.json").write_text(json.dumps(config | {"tokenizer_class": "RoFormerTokenizer"}))
    with pytest.raises(errors.VocabularyError, match=r"hf/config\.json' is of a RoFormerTokenizer"):
        _of(hf, vocab_file=vocabulary)


def test_the_user_s_file_comes_first(hf):
    tokenizers.write("v5_lower1_keep0", hf)
    tokenizer = _of(hf, sp_model_file=_VOCABULARY)
    assert (tokenizer.vocabulary.file_name, tokenizer.tokenization) == (
        golden.VOCABULARY.name,
        "huggingface",
    )


def test_without_weights_or_file_there_is_the_demo_vocabulary_which_is_said():
    tokenizer = tokenizer_choice.of(_NOTHING, checkpoint=None, encoder=None)
    assert tokenizer.vocabulary.vocab_size == 30000
    assert any("demo vocabulary" in notice for notice in tokenizer.notices)
    with pytest.raises(errors.VocabularyError, match="--checkpoint"):
        tokenizer_choice.resolve(tokenizer_choice.Request(tokenization="huggingface"))
