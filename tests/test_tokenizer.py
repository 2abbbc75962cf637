"""Laws of `preprocess.tokenizer`."""

import pytest
import tensorflow as tf

from preprocess import sentencepiece_model, tokenizer
from tests import preprocess_golden


@pytest.mark.parametrize("suffix", preprocess_golden.VOCABULARIES)
def test_ids_equal_tf_hubs(suffix):
    model = sentencepiece_model.read(preprocess_golden.VOCABULARIES[suffix])
    tokenize = tokenizer.Tokenizer(model, lower_case=True)
    ids = tokenize(tf.constant(preprocess_golden.strings())).to_list()
    assert len(ids) == 319
    assert ids == preprocess_golden.expected(f"hub_ids{suffix}")


def test_two_vocabularies_live_in_one_process():
    texts = tf.constant(preprocess_golden.strings())
    both = {
        suffix: tokenizer.Tokenizer(sentencepiece_model.read(path), lower_case=True)
        for suffix, path in preprocess_golden.VOCABULARIES.items()
    }
    for suffix in (*both, *both):
        assert both[suffix](texts).to_list() == preprocess_golden.expected(f"hub_ids{suffix}")


def test_a_cased_tokenizer_keeps_case_and_drops_accents():
    model = sentencepiece_model.read(None)
    cased = tokenizer.Tokenizer(model, lower_case=False)
    lower, upper, accented = cased(tf.constant(["cafe", "CAFE", "caf\u00e9"])).to_list()
    assert lower == accented
    assert lower != upper


def test_no_sentences_give_no_ids():
    tokenize = tokenizer.Tokenizer(sentencepiece_model.read(None), lower_case=True)
    ids = tokenize(tf.zeros([0], tf.string))
    assert ids.shape.as_list() == [0, None]
    assert ids.dtype == tf.int32


def test_special_tokens_are_those_of_the_vocabulary():
    for key, suffix in (("main", ""), ("dc", "_dc")):
        model = sentencepiece_model.read(preprocess_golden.VOCABULARIES[suffix])
        tokenize = tokenizer.Tokenizer(model, lower_case=True)
        special_tokens = tokenize.get_special_tokens_dict()
        assert all(value.dtype == tf.int32 for value in special_tokens.values())
        assert {name: int(value) for name, value in special_tokens.items()} == (
            preprocess_golden.table()["models"][key]["special_tokens"]
        )
