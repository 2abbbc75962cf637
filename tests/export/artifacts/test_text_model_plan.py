"""The text model of a checkpoint, by what is beside its weights."""

import json

import pytest

from configs import errors
from export.artifacts import encoder_spec, text_model_plan, text_model_spec
from tests.support import text_models


def _plan(checkpoint, **request):
    spec = encoder_spec.from_checkpoint(checkpoint)
    return text_model_plan.plan(spec, text_model_spec.Request(**request))


def _set(path, **values):
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(content | values))


@pytest.mark.parametrize("name", ["single", "tag", "answer", "fill_mask"])
def test_long_texts_that_are_cut_on_the_left_are_refused(name, tmp_path):
    checkpoint = text_models.checkpoint(name, tmp_path / "checkpoint")
    assert _plan(checkpoint).problems == []
    _set(tmp_path / "checkpoint" / "tokenizer_config.json", truncation_side="left")
    with pytest.raises(errors.VocabularyError, match=r"cut on the left .* say right there"):
        _plan(checkpoint)


@pytest.mark.parametrize(("name", "is_said"), [("tag", True), ("answer", True), ("single", False)])
def test_a_shorter_length_of_the_pipeline_is_said(name, is_said, tmp_path):
    checkpoint = text_models.checkpoint(name, tmp_path / "checkpoint")
    config = tmp_path / "checkpoint" / "tokenizer_config.json"

    def notices(**request):
        return [n for n in _plan(checkpoint, **request).notices if "model_max_length" in n]

    _set(config, model_max_length=10**30)
    assert notices() == []
    _set(config, model_max_length=24)
    assert bool(notices()) == is_said and all("--max_seq_length 24 " in n for n in notices())
    assert notices(max_seq_length=32) == []


def test_the_side_does_not_matter_where_long_texts_are_not_cut(tmp_path):
    checkpoint = text_models.checkpoint("single", tmp_path / "checkpoint")
    _set(tmp_path / "checkpoint" / "tokenizer_config.json", truncation_side="left")
    assert _plan(checkpoint, task="embed", long_texts="mean").problems == []
