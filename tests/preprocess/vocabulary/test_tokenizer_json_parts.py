"""White space at the ends of a text is what the library leaves of it, or the file is refused."""

import json

import pytest
import tensorflow as tf

from configs import errors
from preprocess.tokenizers import engines
from preprocess.vocabulary import tokenizer_json
from tests.support import sampling, tokenizers

_SYMBOL = "\u2581"
_METASPACE, _SPLIT, _WORDPIECE = "v4_lower1_keep0", "v5_lower1_keep0", "wordpiece_uncased"
_TEXTS = [
    *("foo\n", "foo\t", "\tfoo", " foo ", "  foo  ", "foo \t", "foo\u3000", "foo\x85", "\x85foo"),
    *("a foo\u2028", " \t ", "\t", " ", "", "a  \nb", "a  b", "foo\t [MASK] \tbar", " [MASK] a"),
    *("<unk> <unk>", "foo NEW bar", "NEW ", " NEW", "NEW\nNEW \n"),
]


def _strip(*, left=False, right=True):
    return {"type": "Strip", "strip_left": left, "strip_right": right}


def _collapse(content):
    return {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": content}


def _values(name, *last, has_rules=True):
    """Returns a tokenizer.json whose normalizer ends in other parts, with a token `NEW`."""
    values = tokenizers.values(name)
    normalizer = values["normalizer"]
    parts = [
        part
        for part in normalizer.get("normalizers", [normalizer])
        if "Regex" not in part.get("pattern", {}) and (has_rules or part["type"] != "Precompiled")
    ]
    values["normalizer"] = {"type": "Sequence", "normalizers": [*parts, *last]}
    size = max(token["id"] for token in values["added_tokens"])
    size = max(size + 1, len(values["model"]["vocab"]))
    token = {**values["added_tokens"][0], "id": size, "content": "NEW", "special": False}
    values["added_tokens"].append(token | {"normalized": "wordpiece" not in name})
    return values


@sampling.parametrize("has_rules", [True, False], sample=[True])
@pytest.mark.parametrize(
    ("name", "last"),
    [
        (_METASPACE, [_strip(), _collapse(_SYMBOL)]),  # SpmConverter of transformers
        (_METASPACE, [_collapse(" "), _strip()]),
        (_METASPACE, [_collapse(_SYMBOL)]),
        (_SPLIT, [_strip(left=True), _collapse(" ")]),
        (_SPLIT, [_strip(left=True, right=False)]),
        (_WORDPIECE, [_collapse(" "), _strip()]),
    ],
)
def test_ids_are_those_of_the_library(name, last, has_rules, tmp_path):
    library = pytest.importorskip("tokenizers")
    values = _values(name, *last, has_rules=has_rules)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    engine = engines.make(tokenizer_json.read(str(path)), tokenization="huggingface")
    encodings = library.Tokenizer.from_str(json.dumps(values)).encode_batch(
        _TEXTS, add_special_tokens=False
    )
    expected = [encoding.ids for encoding in encodings]
    assert engine.encode(tf.constant(_TEXTS)).to_list() == expected
    ids, starts, limits = engine.encode_with_offsets(tf.constant(_TEXTS))
    assert ids.to_list() == expected
    for text, *row in zip(_TEXTS, starts.to_list(), limits.to_list(), strict=True):
        assert all(0 <= i <= j <= len(text.encode()) for i, j in zip(*row, strict=True))


@pytest.mark.parametrize(
    ("name", "last", "part"),
    [
        (_METASPACE, [_strip(left=True), _collapse(" ")], "Strip with strip_left"),
        (_METASPACE, [_strip(left=True, right=False), _collapse(" ")], "Strip with strip_left"),
        (_METASPACE, [_collapse(_SYMBOL), _strip()], f"several spaces by {_SYMBOL} before Strip"),
        (_METASPACE, [_strip()], "Metaspace with several spaces in a row"),
        (_SPLIT, [_collapse(_SYMBOL)], f"several spaces by {_SYMBOL} with WhitespaceSplit"),
        (_WORDPIECE, [_collapse(_SYMBOL)], f"several spaces by {_SYMBOL} with WordPiece"),
    ],
)
def test_white_space_that_the_graph_would_take_otherwise_is_refused(name, last, part, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(_values(name, *last)), encoding="utf-8")
    with pytest.raises(errors.VocabularyError, match=part):
        tokenizer_json.read(str(path))
