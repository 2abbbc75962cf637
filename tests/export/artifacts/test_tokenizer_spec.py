"""The digest of a tokenization is another one wherever the ids may be."""

import dataclasses
import json

import pytest

from export.artifacts import tokenizer_choice
from tests.support import tokenizers

_METASPACE, _WORDPIECE = "v4_lower1_keep0", "wordpiece_uncased"


def _digest(values, folder):
    (folder / "tokenizer.json").write_text(json.dumps(values), encoding="utf-8")
    return _spec(folder).manifest_entries()["tokenization_sha256"]


def _spec(folder):
    request = tokenizer_choice.Request(tokenization="huggingface")
    return tokenizer_choice.resolve(request, directories=[str(folder)])


def test_words_between_any_white_space_are_another_tokenization(tmp_path):
    values = tokenizers.values(_METASPACE)
    first = _digest(values, tmp_path)
    parts = [{"type": "WhitespaceSplit"}, values["pre_tokenizer"]]
    values["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": parts}
    assert _digest(values, tmp_path) != first


def test_a_strip_is_another_tokenization(tmp_path):
    values = tokenizers.values(_METASPACE)
    first = _digest(values, tmp_path)
    strip = {"type": "Strip", "strip_left": False, "strip_right": True}
    values["normalizer"]["normalizers"].append(strip)
    assert _digest(values, tmp_path) != first


def test_the_longest_word_counts(tmp_path):
    values = tokenizers.values(_WORDPIECE)
    first = _digest(values, tmp_path)
    values["model"]["max_input_chars_per_word"] = 5
    assert _digest(values, tmp_path) != first


@pytest.mark.parametrize("kind", ["characters", "pairs"])
def test_the_rules_count_and_their_order_does_not(kind, tmp_path):
    first = _digest(tokenizers.values(_METASPACE), tmp_path)
    spec = _spec(tmp_path)

    def with_rules(change):
        steps = [
            dataclasses.replace(step, rules=change(step.rules)) if hasattr(step, "rules") else step
            for step in spec.hugging_face.steps
        ]
        changed = dataclasses.replace(spec.hugging_face, steps=tuple(steps))
        entries = dataclasses.replace(spec, hugging_face=changed).manifest_entries()
        return entries["tokenization_sha256"]

    def one_less(rules):
        return dataclasses.replace(rules, **{kind: dict(list(getattr(rules, kind).items())[1:])})

    def backwards(rules):
        return dataclasses.replace(rules, **{kind: dict(reversed(getattr(rules, kind).items()))})

    assert with_rules(one_less) != first
    assert with_rules(backwards) == first
