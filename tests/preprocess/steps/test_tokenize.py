"""Tests of `preprocess.steps.tokenize` and of the tokenizers behind it."""

import pytest
import tensorflow as tf

from configs import tokenizations
from preprocess.steps import tokenize
from preprocess.tokenizers import engines
from preprocess.vocabulary import sentencepiece_model, wordpiece_vocabulary
from tests.support import preprocess_golden, processes, tokenizers


def _tokenize(suffix="", *, tokenization="hub", lower_case=True):
    model = sentencepiece_model.read(preprocess_golden.VOCABULARIES[suffix])
    return tokenize.Tokenize(engines.make(model, tokenization=tokenization, lower_case=lower_case))


def _original_ids(suffix):
    """Returns the original's ids, or tf.text's if two segmentations have equal scores.

    None stands for strings that are not UTF-8.
    """
    return [
        row[f"original_ids{suffix}_tftext"] if row[f"tie{suffix}"] else row[f"original_ids{suffix}"]
        for row in preprocess_golden.table()["strings"]
    ]


@pytest.mark.parametrize("suffix", preprocess_golden.VOCABULARIES)
def test_hub_ids_equal_tf_hubs(suffix):
    ids = _tokenize(suffix)(tf.constant(preprocess_golden.strings())).to_list()
    assert len(ids) == 319
    assert ids == preprocess_golden.expected(f"hub_ids{suffix}")


@pytest.mark.parametrize("suffix", preprocess_golden.VOCABULARIES)
def test_original_ids_equal_the_original_codes(suffix):
    tokenize = _tokenize(suffix, tokenization="original")
    ids = tokenize(tf.constant(preprocess_golden.strings())).to_list()
    expected = _original_ids(suffix)
    differing = [
        (actual, want)
        for actual, want in zip(ids, expected, strict=True)
        if want not in (None, actual)
    ]
    assert differing == []
    assert sum(want is not None for want in expected) == 319 - 14  # 14 strings are not UTF-8


def test_both_tokenizations_differ_where_the_programs_do():
    hub, original = preprocess_golden.expected("hub_ids_dc"), _original_ids("_dc")
    assert sum(a != b for a, b in zip(hub, original, strict=True) if b is not None) > 30


_TITLE = """
import tensorflow as tf
from preprocess.normalization import original
normalize = original.OriginalNormalization(lower_case=True)
print(normalize(tf.constant(["TITLE"])).numpy()[0].decode())
"""


@pytest.mark.stress  # a process of its own, for one word
def test_lower_casing_does_not_follow_the_locale():
    turkish = processes.environment() | {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}
    done = processes.python("-c", _TITLE, env=turkish)
    assert done.stdout.strip() == "title", done.stderr


def test_two_vocabularies_live_in_one_process():
    texts = tf.constant(preprocess_golden.strings())
    both = {suffix: _tokenize(suffix) for suffix in preprocess_golden.VOCABULARIES}
    for suffix in (*both, *both):
        assert both[suffix](texts).to_list() == preprocess_golden.expected(f"hub_ids{suffix}")


@pytest.mark.parametrize("tokenization", tokenizations.SENTENCEPIECE)
def test_a_cased_tokenizer_keeps_case_and_drops_accents(tokenization):
    cased = _tokenize(tokenization=tokenization, lower_case=False)
    lower, upper, accented = cased(tf.constant(["cafe", "CAFE", "caf\u00e9"])).to_list()
    assert lower == accented
    assert lower != upper


def test_no_sentences_give_no_ids():
    ids = _tokenize()(tf.zeros([0], tf.string))
    assert ids.shape.as_list() == [0, None]
    assert ids.dtype == tf.int32


def test_an_unknown_tokenization_is_refused():
    with pytest.raises(ValueError, match=r"must be one of .*, got 'other'"):
        _tokenize(tokenization="other")


def test_special_tokens_are_those_of_the_vocabulary():
    for key, suffix in (("main", ""), ("dc", "_dc")):
        tokenize = _tokenize(suffix)
        special_tokens = tokenize.get_special_tokens_dict()
        assert all(value.dtype == tf.int32 for value in special_tokens.values())
        assert {name: int(value) for name, value in special_tokens.items()} == (
            preprocess_golden.table()["models"][key]["special_tokens"]
        )


def test_detokenize_gives_the_normalized_text_back():
    tokenize = _tokenize()
    texts = ["the river rose slowly, and the caf\u00e9 closed.", "", "a  b"]
    ids = tokenize(tf.constant(texts))
    assert [text.decode() for text in tokenize.detokenize(ids).numpy()] == [
        "the river rose slowly, and the cafe closed.",
        "",
        "a b",
    ]


def test_detokenize_drops_special_tokens_and_shows_unknown_ones():
    tokenize = _tokenize()
    (hello,) = tokenize(tf.constant(["hello"])).to_list()
    rows = [[2, *hello, 4, 3, *hello, 3, 0, 0], [2, 1, 3] + [0] * (5 + 2 * (len(hello) - 1))]
    first, second = tokenize.detokenize(tf.constant(rows)).numpy()
    assert first.decode() == "hello hello"
    assert second.decode().strip() == "\u2047"


@pytest.mark.parametrize("bad", [-1, 30000])
def test_detokenize_refuses_what_is_not_an_id(bad):
    tokenize = _tokenize()
    message = rf"at least 0 and less than vocab_size 30000.*\[{bad}\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tokenize.detokenize(tf.constant([[5, bad]]))


@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("tokenization", tokenizations.SENTENCEPIECE)
def test_accents_are_kept_on_demand(tokenization, lower_case, tmp_path):
    path = tmp_path / "spiece.model"
    path.write_bytes(tokenizers.model())
    model = sentencepiece_model.read(str(path))
    settings = {"tokenization": tokenization, "lower_case": lower_case}
    words = tf.constant(["kůň", "kun", "ガ", "カ", "कि", "क"])
    kept = engines.make(model, **settings, keep_accents=True).encode(words).to_list()
    stripped = engines.make(model, **settings).encode(words).to_list()
    for with_mark, without in ((0, 1), (2, 3), (4, 5)):
        assert kept[with_mark] != kept[without]
    assert stripped[0] == stripped[1]
    assert stripped[2] == stripped[3]


def test_accents_of_wordpiece_are_not_a_setting():
    vocabulary = wordpiece_vocabulary.read(str(tokenizers.ROOT / "vocab.txt"))
    with pytest.raises(ValueError, match="keep_accents must be as `not lower_case`"):
        engines.make(vocabulary, tokenization="hub", keep_accents=True)
