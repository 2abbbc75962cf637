"""A text that is cut at a tokenizer's boundary has the first ids of the whole text."""

import json
import random

import pytest
import tensorflow as tf

from preprocess.tokenizers import engines, truncation
from preprocess.vocabulary import tokenizer_json
from tests.support import sampling, tokenizers

_UNIGRAM, _WORDPIECE = "v5_lower1_keep0", "wordpiece_uncased"
_LONG = "considerations"
_PARTS = ("NEW", "NEWER ", "\u4e2d", "\u4e2d\u56fd", f"{_LONG} ", "the ", " n't", " ")


def _texts():
    draw = random.Random(1)
    texts = ["".join(draw.choices(_PARTS, k=k)) for k in (5, 20, 60) for _ in range(40)]
    texts += ["\u4e2d\u56fd" * 50, "x" + "\u4e2d\u56fd" * 50, f"NEW\u4e2d{_LONG}NEWthe " * 9]
    return [*texts, "house " * 124 + "outside do n't and more", f"NEW\u4e2d{_LONG}NEWthe "]


def _values(name, *, replace=None, token=None):
    values = tokenizers.values(name)
    if replace is not None:
        old, new = replace
        part = {"type": "Replace", "pattern": {"String": old}, "content": new}
        parts = [part, values["normalizer"]]
        values["normalizer"] = {"type": "Sequence", "normalizers": parts}
    for content in ("NEW", _LONG) if token is not None else ():
        ids = [one["id"] for one in values["added_tokens"]]
        known = values["model"]["vocab"]
        number = max(*ids, len(known) - 1) + 1
        flags = token if content == "NEW" else {}
        plain = dict.fromkeys(("special", "normalized", "lstrip", "rstrip", "single_word"), False)
        values["added_tokens"].append({**plain, **flags, "id": number, "content": content})
    return values


_CHANGES = [
    (_UNIGRAM, {}, True),
    (_WORDPIECE, {}, True),
    (_UNIGRAM, {"replace": ("n't", "not")}, True),
    (_UNIGRAM, {"replace": (" n't", "n't")}, False),
    (_UNIGRAM, {"replace": (" ", "")}, False),
    (_WORDPIECE, {"replace": (" ", "")}, False),
    (_WORDPIECE, {"replace": ("\u4e2d\u56fd", "the")}, True),
    (_WORDPIECE, {"token": {}}, True),
    (_WORDPIECE, {"token": {"single_word": True}}, True),
    (_WORDPIECE, {"token": {"single_word": True, "normalized": True}}, True),
    (_UNIGRAM, {"token": {"single_word": True}}, True),
]


@sampling.parametrize(
    ("name", "change", "is_cut"),
    _CHANGES,
    sample=[_CHANGES[0], _CHANGES[3], _CHANGES[9]],  # plain, without a boundary, with tokens
)
def test_the_first_ids_are_those_of_the_whole_text(name, change, is_cut, tmp_path):
    library = pytest.importorskip("tokenizers")
    values = _values(name, **change)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    engine = engines.make(tokenizer_json.read(str(path)), tokenization="huggingface")
    assert (engine.boundary is not None) == is_cut
    if not is_cut:
        return
    texts = _texts()
    encode = library.Tokenizer.from_str(json.dumps(values)).encode_batch
    expected = [encoding.ids for encoding in encode(texts, add_special_tokens=False)]
    for count in (1, 3, 14, 126):
        got = truncation.encode_prefix(
            tf.constant(texts),
            count=tf.constant(count),
            encode=engine.encode,
            boundary=engine.boundary,
        ).to_list()
        assert [row[:count] for row in got] == [row[:count] for row in expected]
