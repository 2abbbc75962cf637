"""The tokenization `huggingface` gives the ids of Hugging Face's libraries."""

import json
import pathlib
import tempfile

import pytest
import tensorflow as tf
import tensorflow_hub as hub

from configs import errors, hub_api
from export.artifacts import preprocessor_artifact, tokenizer_choice
from preprocess.tokenizers import engines, truncation
from preprocess.vocabulary import sentencepiece_model, tokenizer_config, tokenizer_json
from tests.support import sampling, text_models, tokenizers

_BY_NAME = (*tokenizers.UNIGRAM, *tokenizers.SLOW, *tokenizers.WORDPIECE)
# One of each kind of file, cased and not, with accents and without.
NAMES = sampling.parametrize(
    "name",
    _BY_NAME,
    sample=["v4_lower1_keep0", "v5_lower0_keep1", "slow_lower1_keep1", "wordpiece_uncased"],
)


def _read(name):
    with tempfile.TemporaryDirectory() as folder:
        path = tokenizers.write(name, pathlib.Path(folder))
        if name in tokenizers.SLOW:
            return tokenizer_config.read_sentencepiece(path)
        return tokenizer_json.read(path)


def _engine(name):
    return engines.make(_read(name), tokenization="huggingface")


def _library(values):
    library = pytest.importorskip("tokenizers")
    return library.Tokenizer.from_str(json.dumps(values))


def _ids_of_library(values, texts):
    library = _library(values)
    return [library.encode(text, add_special_tokens=False).ids for text in texts]


def _from_values(values, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return engines.make(tokenizer_json.read(str(path)), tokenization="huggingface")


def test_there_are_recorded_ids_of_every_kind():
    counts = [len(names) for names in (tokenizers.UNIGRAM, tokenizers.SLOW, tokenizers.WORDPIECE)]
    assert counts == [8, 4, 3]
    assert len(tokenizers.texts()) == 181


@NAMES
def test_ids_equal_the_recorded_ones(name):
    texts = tokenizers.texts()
    got = _engine(name).encode(tf.constant(texts)).to_list()
    differing = [
        (text, ids, expected)
        for text, ids, expected in zip(texts, got, tokenizers.ids(name), strict=True)
        if ids != expected
    ]
    assert differing == []


@NAMES
def test_offsets_lead_to_the_original_text(name):
    texts = [text.encode() for text in tokenizers.texts()]
    engine = _engine(name)
    ids, starts, limits = (
        part.to_list() for part in engine.encode_with_offsets(tf.constant(texts))
    )
    assert ids == engine.encode(tf.constant(texts)).to_list()
    specials = {
        token.id: token.content for token in engine.vocabulary.added_tokens if token.special
    }
    del specials[engine.vocabulary.unknown_id]
    for text, *row in zip(texts, ids, starts, limits, strict=True):
        places = list(zip(*row[1:], strict=True))
        assert places == sorted(places), text
        for number, (start, limit) in zip(row[0], places, strict=True):
            piece = text[start:limit].decode()  # never cuts a character
            # Other text may become a special token by normalization.
            if number in specials and piece.isascii():
                assert piece == specials[number], text


def test_offsets_of_plain_words_are_those_of_the_library():
    values = tokenizers.values("v5_lower1_keep0")
    text = "The river [MASK] rose, slowly (and) ended."
    encoding = _library(values).encode(text, add_special_tokens=False)
    engine = _engine("v5_lower1_keep0")
    ids, starts, limits = (part.to_list()[0] for part in engine.encode_with_offsets([text]))
    assert ids == encoding.ids
    space = engine.vocabulary.pieces.index(sentencepiece_model.SPACE)
    for number, *places in zip(
        ids, zip(starts, limits, strict=True), encoding.offsets, strict=True
    ):
        # The library gives the symbol of a space the letter behind it.
        assert number == space or places[0] == places[1]


@sampling.parametrize(
    "name",
    ["v5_lower1_keep0", "slow_lower1_keep0", "wordpiece_uncased"],
    sample=["v5_lower1_keep0"],
)
def test_a_text_that_is_cut_first_has_the_same_first_tokens(name):
    engine = _engine(name)
    texts = [" ".join(tokenizers.texts()), "the  [MASK]   cafe " * 40]
    whole = engine.encode(tf.constant(texts)).to_list()
    assert engine.boundary is not None
    for count in (1, 7, 20, 61):
        got = truncation.encode_prefix(
            tf.constant(texts), count=count, encode=engine.encode, boundary=engine.boundary
        ).to_list()
        assert [row[:count] for row in got] == [row[:count] for row in whole]


def test_text_is_not_cut_where_the_last_space_is_a_token():
    assert _engine("v4_lower1_keep0").boundary is None


_FLAGS = [
    {},
    {"lstrip": True},
    {"rstrip": True},
    {"lstrip": True, "rstrip": True},
    {"single_word": True},
    {"single_word": True, "lstrip": True},
    {"single_word": True, "rstrip": True},
    {"normalized": True},
    {"normalized": True, "lstrip": True, "rstrip": True},
    {"normalized": True, "single_word": True},
    {"special": True},
]
_ADDED = [
    "a NEW b",
    "aNEW b",
    "a NEWb",
    "NEW",
    "NEWNEW NEW  NEW\nNEW",
    "  NEW  ",
    "x NEW, NEW. (NEW)",
    "new New \uff2e\uff25\uff37 Ne\u0301w",
    "a_NEW \u00e9NEW NEW\u0301 \u4e2dNEW\u4e2d",
    "NEWER NEW ER",
    "\x00NEW\x00 NEW",
    "[MASK]NEW [MASK] NEW",
]


def _with_added(name, contents, **flags):
    values = tokenizers.values(name)
    size = max(token["id"] for token in values["added_tokens"])
    size = max(size + 1, len(values["model"]["vocab"]))
    for number, content in enumerate(contents):
        token = {"id": size + number, "content": content, "special": False, "normalized": False}
        token |= {"lstrip": False, "rstrip": False, "single_word": False, **flags}
        values["added_tokens"].append(token)
    return values, size


@sampling.parametrize(
    "flags",
    _FLAGS,
    sample=[
        {"single_word": True, "lstrip": True},
        {"normalized": True, "single_word": True},
    ],
    ids=lambda flags: "-".join(flags) or "plain",
)
@sampling.parametrize(
    "name",
    ["v4_lower1_keep0", "v5_lower0_keep1", "wordpiece_uncased"],
    sample=["v5_lower0_keep1"],
)
def test_added_tokens_are_found_as_the_library_finds_them(name, flags, tmp_path):
    values, size = _with_added(name, ["NEW", "NEWER"], **flags)
    expected = _ids_of_library(values, _ADDED)
    assert any(size in ids for ids in expected)
    engine = _from_values(values, tmp_path)
    assert engine.encode(tf.constant(_ADDED)).to_list() == expected
    assert engine.vocabulary.vocab_size == size + 2
    assert engine.starts_word[size:].all()


def test_added_words_of_ideographs_are_found_as_the_library_finds_them(tmp_path):
    """Their normalized text has white space around each ideograph."""
    values, number = _with_added("wordpiece_uncased", ["\u4e2d\u6587", "x\u4eba"], normalized=True)
    texts = [
        "\u4e2d\u6587\u4eba",
        "x\u4e2d\u6587",
        "\u4e2d \u6587",
        "X\u4eba \u4e2d\u6587\u4e2d\u6587",
    ]
    expected = _ids_of_library(values, texts)
    assert all(any(one in ids for ids in expected) for one in (number, number + 1))
    engine = _from_values(values, tmp_path)
    assert engine.encode(tf.constant(texts)).to_list() == expected
    _, starts, limits = engine.encode_with_offsets(tf.constant(texts[:1]))
    assert (starts[0, 0], limits[0, 0]) == (0, 6)


def test_an_added_word_of_which_normalization_leaves_white_space_is_refused(tmp_path):
    values, _ = _with_added("v4_lower1_keep0", ["\u00b4"], normalized=True)
    with pytest.raises(errors.VocabularyError, match="cannot be found, as normalization leaves"):
        _from_values(values, tmp_path)


def test_a_token_that_begins_with_one_that_takes_white_space_is_refused(tmp_path):
    values, _ = _with_added("v4_lower1_keep0", ["[MASK]2"])
    assert any(token["lstrip"] for token in values["added_tokens"])
    with pytest.raises(errors.VocabularyError, match=r"'\[MASK\]2' begins with '\[MASK\]'"):
        _from_values(values, tmp_path)


def test_slow_albert_lower_cases_before_it_looks_for_tokens(tmp_path):
    """Ids of AlbertTokenizer of transformers 4.57.6, after `add_tokens` of the last two."""
    path = tokenizers.write("slow_lower1_keep0", tmp_path)
    config = tmp_path / "tokenizer_config.json"
    settings = json.loads(config.read_text())
    word = "\u043a\u043e\u0432\u0438\u0434"
    for number, content in ((367, word), (368, "\u00fcber")):
        token = {"content": content, "normalized": True}
        settings["added_tokens_decoder"][str(number)] = token
    config.write_text(json.dumps(settings))
    expected = {
        "<UNK> <PAD> x": [1, 0, 13, 196],
        "the <Unk>river": [35, 16, 1, 162, 77, 20],
        "[mask] [MASK]": [13, 1, 156, 15, 27, 1, 4],
        f"{word.capitalize()} {word} {word.upper()}": [367, 367, 367],
        "\u00dcber STRA\u1e9eE \u00fcber": [368, 13, 15, 131, 124, 368],
        "ta\u017fk": [164, 34, 15, 27],
    }
    read = tokenizer_config.read_sentencepiece(path)
    engine = engines.make(read, tokenization="huggingface")
    got = engine.encode(tf.constant([*expected])).to_list()
    assert dict(zip(expected, got, strict=True)) == expected


@sampling.parametrize(
    "content",
    ["\u00c9", "\u2026", "\ufb01", "\u0130", "e\u0301", "A"],
    sample=["\u2026"],
)
def test_what_a_replacement_brings_is_normalized_like_the_text(content, tmp_path):
    """Also where it makes other characters of ASCII, whose normalization is a short cut."""
    values = tokenizers.values("v4_lower1_keep0")
    replace = {"type": "Replace", "pattern": {"String": "z"}, "content": content}
    values["normalizer"]["normalizers"].insert(0, replace)
    texts = ["the zoo", "zebra caf\u00e9 zz", "no change", "\u00c9 z", "z"]
    expected = _ids_of_library(values, texts)
    assert _from_values(values, tmp_path).encode(tf.constant(texts)).to_list() == expected


@pytest.mark.parametrize("form", ["NFC", "NFKC", "NFD", "NFKD"])
def test_accents_that_a_form_composes_are_kept(form, tmp_path):
    values = tokenizers.values("v5_lower1_keep0")
    steps = [{"type": form}, {"type": "StripAccents"}, {"type": "Lowercase"}]
    values["normalizer"]["normalizers"] = steps
    texts = [
        "caf\u00e9 a\u0301",
        "a\u0301\u0308\u0323",
        "\u0958 \u0374 \u00bd",
        "\ud55c \u1161\u0301",
    ]
    expected = _ids_of_library(values, texts)
    assert _from_values(values, tmp_path).encode(tf.constant(texts)).to_list() == expected


def test_long_texts_do_not_lose_precision(tmp_path):
    values = tokenizers.values("v5_lower1_keep0")
    text = " ".join(tokenizers.texts()[:12] * 60) + " nnnnnnn aaaaa oooo"
    expected = _library(values).encode(text, add_special_tokens=False).ids
    assert len(expected) > 10000
    assert _from_values(values, tmp_path).encode(tf.constant([text])).to_list() == [expected]


@sampling.parametrize(
    "name",
    ["v5_lower1_keep0", "slow_lower0_keep1", "wordpiece_uncased"],
    sample=["v5_lower1_keep0"],
)
def test_the_artifact_does_all_that_a_preprocessor_does(name, tmp_path):
    tokenizers.write(name, tmp_path)
    request = tokenizer_choice.Request(tokenization="huggingface")
    tokenizer = tokenizer_choice.resolve(request, directories=[str(tmp_path)])
    artifact = text_models.parts("single") / "preprocessor"
    if name != text_models.TOKENIZER:
        artifact = tmp_path / "p"
        preprocessor_artifact.write(str(artifact), tokenizer=tokenizer, default_seq_length=16)
    loaded = hub.load(str(artifact))
    texts = tokenizers.texts()
    ids = loaded.tokenize(tf.constant(texts))
    assert ids.to_list() == tokenizers.ids(name)
    assert loaded.tokenize_with_offsets(tf.constant(texts))[0].to_list() == tokenizers.ids(name)
    special = {key: int(value) for key, value in loaded.tokenize.get_special_tokens_dict().items()}
    assert special["vocab_size"] == tokenizer.described.vocab_size
    cls, sep = special["start_of_sequence_id"], special["end_of_segment_id"]
    packed = loaded(tf.constant(texts))[hub_api.INPUT_WORD_IDS].numpy().tolist()
    for row, expected in zip(packed, tokenizers.ids(name), strict=True):
        wanted = [cls, *expected[:14], sep]
        assert row == wanted + [special["padding_id"]] * (16 - len(wanted))
    windows, _ = loaded.split_windows(ids[:1], seq_length=8, stride=2)
    assert windows[hub_api.INPUT_WORD_IDS].shape[-1] == 8
    masked = loaded.mask_lm(loaded(tf.constant(texts[:4])), seed=1)
    assert int(tf.reduce_sum(masked[hub_api.MASKED_LM_WEIGHTS])) > 0
    text = loaded.tokenize.detokenize(loaded.tokenize(tf.constant(["the river [MASK] rose"])))
    assert text.numpy()[0].decode().split() == ["the", "river", "rose"]


def test_settings_that_contradict_the_file_are_refused():
    tokenizer = _read("v5_lower1_keep0")
    with pytest.raises(ValueError, match=r"lower_case is True in tokenizer\.json, got False"):
        engines.make(tokenizer, tokenization="huggingface", lower_case=False)
    with pytest.raises(ValueError, match=r"keep_accents is False in tokenizer\.json, got True"):
        engines.make(tokenizer, tokenization="huggingface", keep_accents=True)
    with pytest.raises(ValueError, match="must be 'huggingface' for this vocabulary, got 'hub'"):
        engines.make(tokenizer, tokenization="hub")
    with pytest.raises(ValueError, match="must be one of"):
        engines.make(sentencepiece_model.read(None), tokenization="huggingface")


def test_a_token_that_continues_a_word_shows_it_where_a_row_begins_with_it():
    library = _library(tokenizers.values("wordpiece_uncased"))
    size = library.get_vocab_size()
    own = [number for number in range(size) if library.id_to_token(number).startswith("##")]
    rows = [[number] for number in own]
    assert rows
    texts = _engine("wordpiece_uncased").decode(tf.ragged.constant(rows, tf.int32))
    assert [text.decode() for text in texts.numpy()] == [library.decode(row) for row in rows]
