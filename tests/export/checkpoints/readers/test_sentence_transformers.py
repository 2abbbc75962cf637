"""Folders of sentence-transformers: what is read of them, and what is refused by its name."""

import json

import numpy as np
import pytest

from configs import errors
from export.artifacts import text_model_spec
from export.checkpoints.readers import sentence_transformers
from tests.support import checkpoints

_TYPES = "sentence_transformers.models."
_POOLED = [("Transformer", ""), ("Pooling", "1")]
_LAYER = {"linear.weight": np.ones([3, 4], np.float32), "linear.bias": np.ones(3, np.float32)}
_VECTORS = {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}
_SAVED = {
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}


def _write(path, content):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps(content))


def _folder(path, modules=_POOLED, *, pooling=None, types=_TYPES, **settings):
    listed = [{"path": folder, "type": types + kind} for kind, folder in modules]
    _write(path / "modules.json", listed)
    _write(path / "1" / "config.json", pooling or {"pooling_mode_mean_tokens": True})
    _write(path / "sentence_bert_config.json", settings or {"max_seq_length": 48})
    return str(path)


def _dense(path, config, tensors=_LAYER):
    folder = _folder(path, [*_POOLED, ("Dense", "2")])
    _write(path / "2" / "config.json", {"in_features": 4, "out_features": 3, **config})
    checkpoints.write_safetensors(path / "2" / "model.safetensors", tensors)
    return folder


def _refused(folder, *words):
    with pytest.raises(errors.CheckpointError) as caught:
        sentence_transformers.read(folder)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"bias": True, "activation_function": "torch.nn.modules.activation.Tanh"},  # before 5
        {"bias": True, **_VECTORS},
        {"use_residual": False, **_VECTORS},
    ],
)
def test_a_dense_layer_is_read(tmp_path, config):
    (layer,) = sentence_transformers.read(_dense(tmp_path, config)).pooling.dense
    assert (layer.kernel.shape, layer.activation) == ((4, 3), "tanh")


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"use_residual": True}, "use_residual True"),
        ({"module_input_name": "token_embeddings"}, "module_input_name 'token_embeddings'"),
        ({"module_output_name": "projected"}, "module_output_name 'projected'"),
        ({"scale": 2}, "scale 2"),
        ({"activation_function": "my_module.Tanh"}, "my_module.Tanh"),
        ({"bias": False}, "linear.bias"),
        ({"in_features": 5}, "(3, 5)"),
    ],
)
def test_a_dense_layer_that_is_not_computed_is_refused(tmp_path, config, word):
    _refused(_dense(tmp_path, config), word)


def test_other_tensors_of_a_dense_layer_are_refused(tmp_path):
    tensors = {**_LAYER, "residual.weight": np.ones([3, 4], np.float32)}
    _refused(_dense(tmp_path, {}, tensors), "residual.weight")


@pytest.mark.parametrize(
    "settings",
    [
        {"max_seq_length": 48, "do_lower_case": False},  # before 5.4
        _SAVED,
        {**_SAVED, "query_length": None, "unpad_inputs": False, "processing_kwargs": {"text": {}}},
        {"max_seq_length": 48, "model_args": {"trust_remote_code": True}, "tokenizer_args": {}},
    ],
)
def test_settings_that_change_no_vector_are_accepted(tmp_path, settings):
    recipe = sentence_transformers.read(_folder(tmp_path, **settings))
    assert recipe.pooling.modes == ("mean",)
    assert recipe.max_seq_length == settings.get("max_seq_length")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"processing_kwargs": {"text": {"max_length": 8}}}, "processing_kwargs"),
        ({"tokenizer_args": {"model_max_length": 10}}, "tokenizer_args"),
        ({"config_kwargs": {"num_hidden_layers": 1}}, "config_kwargs"),
        ({"query_length": 8}, "query_length 8"),
        ({**_SAVED, "module_output_name": "other"}, "module_output_name"),
        ({**_SAVED, "transformer_task": "fill-mask"}, "transformer_task"),
    ],
)
def test_settings_that_change_vectors_are_refused(tmp_path, settings, word):
    _refused(_folder(tmp_path, **settings), word, "sentence_bert_config.json")


@pytest.mark.parametrize("name", ["albert", "xlnet"])
def test_settings_of_older_names_are_read(tmp_path, name):
    folder = _folder(tmp_path)
    (tmp_path / "sentence_bert_config.json").rename(tmp_path / f"sentence_{name}_config.json")
    assert sentence_transformers.read(folder).max_seq_length == 48


def test_a_pooling_with_other_settings_is_refused(tmp_path):
    config = {"pooling_mode": "mean", "weights": [1]}
    _refused(_folder(tmp_path, pooling=config), "weights [1]")


@pytest.mark.parametrize(
    ("modules", "word"),
    [
        ([("Transformer", ""), ("Normalize", "2"), ("Pooling", "1")], "Normalize"),
        ([("Transformer", ""), ("Dense", "2"), ("Pooling", "1")], "Dense"),
        ([("Pooling", "1"), ("Transformer", "")], "Pooling"),
        ([*_POOLED, ("Pooling", "1")], "Pooling"),
    ],
)
def test_parts_in_another_order_are_refused(tmp_path, modules, word):
    _refused(_folder(tmp_path, modules), f"a part {_TYPES}{word}")


def test_a_normalize_of_tokens_is_refused(tmp_path):
    folder = _folder(tmp_path, [*_POOLED, ("Normalize", "2")])
    assert sentence_transformers.read(folder).pooling.normalize
    _write(tmp_path / "2" / "config.json", _VECTORS)
    assert sentence_transformers.read(folder).pooling.normalize
    _write(tmp_path / "2" / "config.json", {**_VECTORS, "module_output_name": "other"})
    _refused(folder, "module_output_name 'other'")


def test_classes_from_elsewhere_are_refused_by_name(tmp_path):
    _refused(_folder(tmp_path, types="my_pooling."), "my_pooling.Transformer")


def test_a_folder_outside_is_refused(tmp_path):
    _refused(_folder(tmp_path, [("Transformer", "../other")]), "../other")


def test_without_pooling_the_vector_is_asked_for(tmp_path):
    recipe = sentence_transformers.read(_folder(tmp_path, [("Transformer", "")]))
    assert recipe.pooling is None
    encoder = {"heads": [], "config": {"max_position_embeddings": 64}}
    plan = text_model_spec.Plan(text_model_spec.Request(), encoder, recipe)
    assert len(plan.problems) == 1 and "--pooling" in plan.problems[0]
    asked = text_model_spec.Plan(text_model_spec.Request(pooling="mean"), encoder, recipe)
    assert (asked.problems, asked.pooling.modes) == ([], ("mean",))


def test_without_pooling_the_output_of_the_pooler_may_be_the_vector(tmp_path):
    pooler = {"text": {"method": "forward", "method_output_name": "pooler_output"}}
    settings = {"modality_config": pooler, "module_output_name": "sentence_embedding"}
    modules = [("Transformer", ""), ("Normalize", "2")]
    recipe = sentence_transformers.read(_folder(tmp_path, modules, **settings))
    assert (recipe.pooling.modes, recipe.pooling.normalize) == (("pooled",), True)


def test_only_the_folder_of_its_transformer_has_what_a_folder_says(tmp_path):
    _folder(tmp_path, [("Transformer", "0_Transformer"), ("Pooling", "1")])
    for name in ("0_Transformer", "other"):
        (tmp_path / name).mkdir()
    assert sentence_transformers.beside([str(tmp_path / "0_Transformer")]) is not None
    assert sentence_transformers.beside([str(tmp_path / "other")]) is None
    _folder(tmp_path)
    assert sentence_transformers.beside([str(tmp_path)]) is not None
    assert sentence_transformers.beside([str(tmp_path / "other")]) is None


def test_a_cross_encoder_makes_no_vectors(tmp_path):
    logits = {"text": {"method": "forward", "method_output_name": "logits"}}
    settings = {"modality_config": logits, "module_output_name": "scores"}
    settings["transformer_task"] = "sequence-classification"
    folder = _folder(tmp_path, [("Transformer", "")], **settings)
    assert sentence_transformers.read(folder).pooling is None
    assert not sentence_transformers.makes_vectors(folder)
    assert sentence_transformers.makes_vectors(_folder(tmp_path / "embedder"))
