"""The tokenizer beside weights is found by what the files hold."""

import json
import shutil

import pytest

from configs import errors
from preprocess.vocabulary import finding, tokenizer_config, truncation_side
from tests.support import tokenizers


def _hm(folder, name):
    shutil.copy(tokenizers.CASES / "spm_without_pad_unk_named_UNK" / "hm.model", folder / name)


def test_nothing_beside_weights_gives_nothing(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "weights.model").write_bytes(b"not a SentencePiece model")
    assert finding.beside(str(tmp_path)) is None


@pytest.mark.parametrize("name", ["spiece.model", "30k-clean.model", "own.model", "own.spm"])
def test_a_sentencepiece_model_is_found_by_any_name(name, tmp_path):
    _hm(tmp_path, name)
    found = finding.beside(str(tmp_path))
    assert found.path == str(tmp_path / name)
    assert found.vocabulary.vocab_size == found.hugging_face.vocab_size == 300
    assert (found.lower_case, found.keep_accents) == (None, None)
    assert found.messages == (f"{name} has no padding piece: rows are filled with id 0",)
    assert any("fast tokenizers made of it give other ids" in n for n in found.hugging_face.notes)


def test_the_asset_of_keras_hub_is_found(tmp_path):
    folder = tmp_path / "assets" / "tokenizer"
    folder.mkdir(parents=True)
    _hm(folder, "vocabulary.spm")
    assert finding.beside(str(tmp_path)).path == str(folder / "vocabulary.spm")


def test_two_models_of_unusual_names_that_differ_are_refused(tmp_path):
    _hm(tmp_path, "a.model")
    _hm(tmp_path, "b.model")
    assert finding.beside(str(tmp_path)).path.endswith("a.model")
    (tmp_path / "b.model").write_bytes(tokenizers.model())
    with pytest.raises(errors.VocabularyError, match=r"several .*\(a\.model, b\.model\)"):
        finding.beside(str(tmp_path))
    _hm(tmp_path, "spiece.model")
    assert finding.beside(str(tmp_path)).path.endswith("spiece.model")


@pytest.mark.parametrize("name", ["vocab.txt", "vocab_chinese.txt", "vocab_own.txt"])
def test_a_wordpiece_vocabulary_is_found(name, tmp_path):
    shutil.copy(tokenizers.CASES / "vocab_txt_beside" / "vocab.txt", tmp_path / name)
    (tmp_path / "tokenizer_config.json").write_text(
        '{"do_lower_case": false, "strip_accents": true, "tokenize_chinese_chars": false}'
    )
    found = finding.beside(str(tmp_path))
    assert found.path.endswith(name)
    assert (found.lower_case, found.keep_accents, found.messages) == (False, False, ())
    assert [type(step).__name__ for step in found.hugging_face.steps] == [
        "CleanText",
        "Unicode",
        "RemoveMarks",
    ]


def test_a_tokenizer_json_decides(tmp_path):
    tokenizers.write("v5_lower0_keep1", tmp_path)
    content = tokenizers.model()
    (tmp_path / "spiece.model").write_bytes(content)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    found = finding.beside(str(tmp_path))
    assert found.path.endswith("tokenizer.json")
    assert (found.lower_case, found.keep_accents, found.messages) == (False, True, ())
    assert found.vocabulary.proto == content
    _hm(tmp_path, "spiece.model")
    message = "spiece.model has other pieces or scores than tokenizer.json, which decides"
    assert finding.beside(str(tmp_path)).messages == (message,)


def test_names_of_special_tokens_are_those_of_the_files_beside(tmp_path):
    values = json.dumps(tokenizers.values("v5_lower1_keep0")).replace("[MASK]", "<mask>")
    (tmp_path / "tokenizer.json").write_text(values)
    (tmp_path / "special_tokens_map.json").write_text('{"mask_token": {"content": "<mask>"}}')
    assert finding.beside(str(tmp_path)).hugging_face.mask_id == 4
    names = {"mask_id": "[SEP]"}
    assert finding.beside(str(tmp_path), names=names).hugging_face.mask_id == 3


def test_the_settings_of_another_tokenizer_are_refused(tmp_path):
    _hm(tmp_path, "spiece.model")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "XLNetTokenizer"}')
    with pytest.raises(errors.VocabularyError, match=r"of a XLNetTokenizer, .* AlbertTokenizer"):
        finding.beside(str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text('{"sp_model_kwargs": {"nbest_size": -1}}')
    with pytest.raises(errors.VocabularyError, match="sp_model_kwargs"):
        finding.beside(str(tmp_path))


def test_a_wordpiece_vocabulary_of_another_tokenizer_is_refused(tmp_path):
    path = shutil.copy(tokenizers.CASES / "vocab_txt_beside" / "vocab.txt", tmp_path)
    config = tmp_path / "tokenizer_config.json"
    for name in ("BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "AlbertTokenizer"):
        config.write_text(json.dumps({"tokenizer_class": name}))
        assert finding.beside(str(tmp_path)).path == str(path)
    for name in ("BertJapaneseTokenizer", "PreTrainedTokenizerFast", "RoFormerTokenizer"):
        config.write_text(json.dumps({"tokenizer_class": name}))
        with pytest.raises(errors.VocabularyError, match=f"is of a {name}, .* BertTokenizer"):
            finding.beside(str(tmp_path))


def test_added_tokens_beside_a_model_get_their_ids(tmp_path):
    _hm(tmp_path, "spiece.model")
    (tmp_path / "added_tokens.json").write_text('{"[E1]": 300}')
    tokenizer = tokenizer_config.read_sentencepiece(str(tmp_path / "spiece.model"))
    assert (tokenizer.vocab_size, tokenizer.pieces[300]) == (301, "[E1]")
    (tmp_path / "added_tokens.json").write_text('{"[E1]": 302, "x": 5}')
    with pytest.raises(errors.VocabularyError, match=r"id 302 .* should be 300") as raised:
        tokenizer_config.read_sentencepiece(str(tmp_path / "spiece.model"))
    assert "id 5 of 'x' is piece '[MASK]'" in str(raised.value)


def _bert_with(folder, **files):
    shutil.copy(tokenizers.CASES / "vocab_txt_beside" / "vocab.txt", folder)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return tokenizer_config.read_wordpiece(str(folder / "vocab.txt"))


def test_special_tokens_of_old_files_are_found_as_they_are_written(tmp_path):
    """transformers before 4.34 names them in other keys than `added_tokens_decoder`."""
    plain = _bert_with(tmp_path)
    size = len(plain.pieces)
    piece = next(p for p in plain.pieces if p.isalpha())
    special = {"additional_special_tokens": ["[E1]", piece], "eos_token": {"content": "[SEP]"}}
    read = _bert_with(
        tmp_path, added_tokens={"[E1]": size, "new": size + 1}, special_tokens_map=special
    )
    found = {token.content: token for token in read.added_tokens}
    assert (found["[E1]"].special, found["[E1]"].normalized) == (True, False)
    assert (found["new"].special, found["new"].normalized) == (False, True)
    assert (found[piece].id, found[piece].special) == (plain.pieces.index(piece), True)
    with pytest.raises(errors.VocabularyError, match=r"'\[E9\]', which has no id"):
        _bert_with(tmp_path, special_tokens_map={"additional_special_tokens": ["[E9]"]})


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("added_tokens", {"\n": 0}, "outer white space"),
        ("tokenizer_config", {"split_special_tokens": True}, "split_special_tokens true"),
    ],
)
def test_what_is_not_found_as_in_transformers_is_refused(file, content, reason, tmp_path):
    size = len(_bert_with(tmp_path).pieces)
    content = {key: value or size for key, value in content.items()}
    with pytest.raises(errors.VocabularyError, match=reason):
        _bert_with(tmp_path, **{file: content})


def test_a_single_word_of_the_slow_tokenizer_is_refused(tmp_path):
    """It counts there where a space is beside it, and here where no letter is."""
    _hm(tmp_path, "spiece.model")
    token = {"300": {"content": "new", "single_word": True}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": token}))
    with pytest.raises(errors.VocabularyError, match="'new' is a single_word"):
        tokenizer_config.read_sentencepiece(str(tmp_path / "spiece.model"))


@pytest.mark.parametrize("name", ["tokenizer_config.json", "tokenizer.json"])
def test_a_side_to_cut_long_texts_on_is_said(name, tmp_path):
    tokenizers.write("v5_lower1_keep0", tmp_path)
    assert truncation_side.left(str(tmp_path)) is None
    path = tmp_path / name
    content = json.loads(path.read_text()) if path.is_file() else {}
    last = {"max_length": 8, "stride": 0, "strategy": "LongestFirst", "direction": "Left"}
    is_config = name == tokenizer_config.CONFIG
    content |= {"truncation_side": "left"} if is_config else {"truncation": last}
    path.write_text(json.dumps(content))
    assert truncation_side.left(str(tmp_path)) == str(path)
    (message,) = (m for m in finding.beside(str(tmp_path)).messages if "on the right" in m)
    assert name in message


def test_settings_come_before_the_last_truncation_of_a_tokenizer(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"truncation": {"direction": "Left"}}')
    (tmp_path / "tokenizer_config.json").write_text('{"truncation_side": "right"}')
    assert truncation_side.left(str(tmp_path)) is None
