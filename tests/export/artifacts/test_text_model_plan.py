"""The text model of a checkpoint, by what is beside its weights."""

import json
import shutil

import numpy as np
import pytest

from configs import errors
from export import api
from export.artifacts import encoder_spec, text_model_plan, text_model_spec
from export.metadata import manifest
from tests.support import cases, checkpoints, text_models, tokenizers

_QUERY = "encoder.albert_layer_groups.0.albert_layers.0.attention.query"


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


def test_an_adapter_of_sentence_transformers_says_what_its_folder_says(tmp_path):
    base, adapter = text_models.checkpoint("single", tmp_path / "base"), tmp_path / "adapter"
    adapter.mkdir()
    values = {"peft_type": "LORA", "task_type": "FEATURE_EXTRACTION", "r": 2, "lora_alpha": 2}
    (adapter / "adapter_config.json").write_text(json.dumps(values))
    factors = {"A": np.ones([2, 16], np.float32), "B": np.ones([16, 2], np.float32)}
    checkpoints.write_safetensors(
        adapter / "adapter_model.safetensors",
        {f"base_model.model.{_QUERY}.lora_{part}.weight": value for part, value in factors.items()},
    )
    for name in ("modules.json", "sentence_bert_config.json", "1_Pooling", "2_Normalize"):
        source = cases.ROOT / "sentence_transformers_root" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, adapter / name)
    _set(adapter / "sentence_bert_config.json", max_seq_length=20)
    tokenizers.write("v5_lower0_keep1", adapter)
    specs = [encoder_spec.from_checkpoint(base, adapter=one) for one in (None, str(adapter))]
    assert [spec.tokenizer.lower_case for spec in specs] == [True, False]
    request = text_model_spec.Request(task="embed")
    alone, adapted = (text_model_plan.plan(spec, request) for spec in specs)
    assert (alone.pooling.modes, alone.pooling.normalize) == (("pooled",), False)
    assert adapted.pooling.modes == ("mean",) and adapted.pooling.normalize
    assert alone.length > adapted.length == 20


def test_an_exported_encoder_keeps_what_its_weights_were():
    """So that its text model answers as that of the checkpoint."""
    folder = text_models.parts("answer")
    of_checkpoint = _plan(str(folder / "checkpoint"))
    of_encoder = _plan(str(folder / "encoder"))
    assert of_encoder.max_answer_length == of_checkpoint.max_answer_length == 15
    assert set(of_checkpoint.notices) <= set(of_encoder.notices) and of_checkpoint.notices


@pytest.mark.stress
@pytest.mark.parametrize(("said", "dtype"), [(None, "bfloat16"), ("float32", "float32")])
def test_a_text_model_of_an_encoder_computes_in_its_dtype_unless_told_otherwise(
    said, dtype, tmp_path
):
    folders = {"export_dir": str(tmp_path)}
    encoder = api.export_encoder(
        config="tiny", model_name="encoder", compute_dtype="bfloat16", **folders
    )
    path = api.export_text_model(encoder=encoder, model_name="text", compute_dtype=said, **folders)
    assert manifest.read(path)["made_from"]["encoder"]["compute_dtype"] == dtype
