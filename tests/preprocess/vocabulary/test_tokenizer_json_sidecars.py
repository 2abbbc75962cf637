"""Where AutoTokenizer changes what `tokenizer.json` says, the folder is refused or it is said."""

import json

import pytest

from configs import errors
from preprocess.vocabulary import finding
from tests.support import tokenizers

_FLAGS = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
_BERT = {"tokenizer_class": "BertTokenizerFast"}
_ALBERT = {"tokenizer_class": "AlbertTokenizerFast"}


def _write(folder, name, *, settings=None, special=None, added=None, config=None):
    tokenizers.write(name, folder)
    beside = {
        "tokenizer_config.json": settings,
        "special_tokens_map.json": special,
        "added_tokens.json": added,
        "config.json": config,
    }
    for file, values in beside.items():
        if values is not None:
            (folder / file).write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("wordpiece_uncased", {"do_lower_case": False}, "do_lower_case false, tokenizer.json true"),
        ("wordpiece_uncased", {"strip_accents": False}, "strip_accents false, tokenizer.json true"),
        (
            "wordpiece_uncased",
            {"tokenize_chinese_chars": False},
            "tokenize_chinese_chars false, tokenizer.json true",
        ),
        (
            "wordpiece_cased",
            {},
            "do_lower_case true (which BertTokenizerFast takes where it is unsaid), "
            "tokenizer.json false",
        ),
    ],
)
def test_settings_of_bert_that_contradict_the_file_are_refused(tmp_path, name, settings, said):
    _write(tmp_path, name, settings=_BERT | settings)
    with pytest.raises(errors.VocabularyError) as raised:
        finding.beside(str(tmp_path))
    assert said in str(raised.value) and "AutoTokenizer and save_pretrained" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("wordpiece_uncased", _BERT),
        ("wordpiece_uncased", {**_BERT, "do_lower_case": True, "strip_accents": True}),
        ("wordpiece_cased", {**_BERT, "do_lower_case": False, "strip_accents": None}),
        (
            "wordpiece_cased_stripped",
            {
                **_BERT,
                "do_lower_case": False,
                "strip_accents": True,
                "tokenize_chinese_chars": False,
            },
        ),
        ("wordpiece_cased", {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True}),
        ("wordpiece_cased", {**_ALBERT, "do_lower_case": True}),
        ("v5_lower1_keep0", _ALBERT),
        ("v5_lower0_keep1", {**_ALBERT, "do_lower_case": False, "keep_accents": True}),
    ],
)
def test_settings_that_make_no_difference_are_not_spoken_of(tmp_path, name, settings):
    _write(tmp_path, name, settings=settings)
    assert finding.beside(str(tmp_path)).messages == ()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"do_lower_case": False}, "do_lower_case false, tokenizer.json true"),
        ({"keep_accents": True}, "keep_accents true, tokenizer.json false"),
        ({"add_prefix_space": False}, "add_prefix_space false, tokenizer.json true"),
    ],
)
@pytest.mark.parametrize("of_model", [False, True])
def test_settings_of_albert_that_transformers_5_alone_follows_are_said(
    tmp_path, settings, said, of_model
):
    config = {"model_type": "albert"}
    _write(tmp_path, "v4_lower1_keep0", settings=({} if of_model else _ALBERT) | settings)
    if of_model:
        (tmp_path / "config.json").write_text(json.dumps(config))
    (message,) = finding.beside(str(tmp_path)).messages
    assert said in message and "transformers 5 follows tokenizer_config.json" in message


@pytest.mark.parametrize(
    ("beside", "file"),
    [
        ({"settings": {"additional_special_tokens": ["<ent>"]}}, "tokenizer_config.json"),
        ({"settings": {"extra_special_tokens": {"x": "<ent>"}}}, "tokenizer_config.json"),
        (
            {"settings": {"added_tokens_decoder": {"367": {"content": "<ent>"}}}},
            "tokenizer_config.json",
        ),
        ({"settings": {"bos_token": {"content": "<ent>"}}}, "tokenizer_config.json"),
        (
            {"special": {"additional_special_tokens": [{"content": "<ent>", **_FLAGS}]}},
            "special_tokens_map.json",
        ),
        ({"added": {"<ent>": 367}}, "added_tokens.json"),
    ],
)
def test_tokens_that_only_other_files_add_are_refused(tmp_path, beside, file):
    _write(tmp_path, "v5_lower1_keep0", **beside)
    with pytest.raises(errors.VocabularyError) as raised:
        finding.beside(str(tmp_path))
    assert f"{file} has the token '<ent>', tokenizer.json does not add it" in str(raised.value)


def test_tokens_that_the_file_has_too_are_not_spoken_of(tmp_path):
    decoder = {
        str(token.pop("id")): token
        for token in tokenizers.values("v5_lower1_keep0")["added_tokens"]
    }
    settings = {**_ALBERT, "added_tokens_decoder": decoder, "additional_special_tokens": ["[MASK]"]}
    # Beside added_tokens_decoder, transformers reads no other file.
    special = {"mask_token": "[MASK]", "additional_special_tokens": ["<ent>"]}
    _write(tmp_path, "v5_lower1_keep0", settings=settings, special=special, added={"<ent>": 367})
    assert finding.beside(str(tmp_path)).messages == ()


def test_other_flags_of_a_token_are_refused(tmp_path):
    flags = {**_FLAGS, "special": True, "rstrip": True}
    decoder = {"4": {"content": "[MASK]", **flags}}
    _write(tmp_path, "v5_lower1_keep0", settings={"added_tokens_decoder": decoder})
    with pytest.raises(errors.VocabularyError) as raised:
        finding.beside(str(tmp_path))
    assert "'[MASK]' with rstrip true, tokenizer.json with rstrip false" in str(raised.value)


def test_split_special_tokens_is_refused_with_a_remedy_of_its_own(tmp_path):
    _write(tmp_path, "v5_lower1_keep0", settings={"split_special_tokens": True})
    with pytest.raises(errors.VocabularyError, match="set split_special_tokens to false") as raised:
        finding.beside(str(tmp_path))
    assert "save_pretrained" not in str(raised.value)


def test_names_that_the_user_gives_take_the_place_of_those_beside(tmp_path):
    _write(tmp_path, "v5_lower1_keep0", settings={"mask_token": "[UNUSED]"})
    with pytest.raises(errors.VocabularyError, match="--special_tokens"):
        finding.beside(str(tmp_path))
    found = finding.beside(str(tmp_path), names={"mask_id": "[MASK]"})
    assert found.hugging_face.pieces[found.hugging_face.mask_id] == "[MASK]"
