"""Any order of normalizers gives the library's ids, with text that each of them changes."""

import json
import random

import pytest
import tensorflow as tf

from preprocess.tokenizers import engines
from preprocess.vocabulary import tokenizer_json
from tests.support import sampling, tokenizers

_ASCII = ("a", "z", "``", "''", ".", "...", "e", "I", "#", " ", "  ", "\t", "1")
_PARTS = (
    *_ASCII,
    *("\u00df", "\ufb01", "\u00e9", "\u00c5", "\u00b2", "\u0301", "\ud55c", "\u1161", "\u0130"),
    *("\u03a3", "\u4e2d", "\u200d", "\u00bd"),
)
_REPLACEMENTS = (
    *("", "A", '"', " ", "x y", "\\1"),
    *("\u00c9", "\u2026", "\ufb01", "\u0130", "e\u0301", "\uff41", "\u0301", "\u03a3", "\u4e2d"),
    *("\u00b2", "\u00df", "\u00a0"),
)
_STEPS = ("NFC", "NFD", "NFKC", "NFKD", "StripAccents", "Lowercase", "Precompiled")
_SEEDS = range(100)


@sampling.parametrize("seed", _SEEDS, sample=_SEEDS[:3])
def test_ids_are_those_of_the_library(seed, tmp_path):
    library = pytest.importorskip("tokenizers")
    generator = random.Random(seed)
    values = tokenizers.values(generator.choice([*tokenizers.UNIGRAM, *tokenizers.WORDPIECE]))
    values["normalizer"] = {
        "type": "Sequence",
        "normalizers": [*_replaces(generator), *_others(generator, values["normalizer"])],
    }
    texts = [*_texts(generator, _PARTS), *_texts(generator, _ASCII)]
    texts += generator.sample([t for t in tokenizers.texts() if "\u2581" not in t], 20)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    engine = engines.make(tokenizer_json.read(str(path)), tokenization="huggingface")
    expected = [
        one.ids
        for one in library.Tokenizer.from_str(json.dumps(values)).encode_batch(
            texts, add_special_tokens=False
        )
    ]
    assert engine.encode(tf.constant(texts)).to_list() == expected
    ids, starts, limits = engine.encode_with_offsets(tf.constant(texts))
    assert ids.to_list() == expected
    for text, row in zip(texts, zip(starts.to_list(), limits.to_list(), strict=True), strict=True):
        _check_places(text.encode(), *row)


def _check_places(content, starts, limits):
    """Starts and limits never decrease, and lie between characters of the text."""
    assert starts == sorted(starts) and limits == sorted(limits)
    for start, limit in zip(starts, limits, strict=True):
        assert start <= limit
        content[start:limit].decode()


def _replaces(generator):
    return [
        {
            "type": "Replace",
            "pattern": {"String": generator.choice(_PARTS)},
            "content": generator.choice(_REPLACEMENTS),
        }
        for _ in range(generator.randrange(3))
    ]


def _others(generator, normalizer):
    """Returns settings of BERT's normalizer, or others in any order before the file's last."""
    if normalizer["type"] == "BertNormalizer":
        options = {name: generator.random() < 0.5 for name in ("clean_text", "lowercase")}
        options |= {"handle_chinese_chars": generator.random() < 0.5}
        return [normalizer | options | {"strip_accents": generator.choice([None, True, False])}]
    parts = normalizer["normalizers"]
    (rules,) = (part for part in parts if part["type"] == "Precompiled")
    kinds = generator.choices(_STEPS, k=generator.randrange(5))
    spaces = [part for part in parts if "Regex" in part.get("pattern", {})]
    return [*(rules if kind == "Precompiled" else {"type": kind} for kind in kinds), *spaces]


def _texts(generator, parts):
    return ["".join(generator.choices(parts, k=generator.randrange(1, 12))) for _ in range(20)]
