"""`restore` takes all of a checkpoint or refuses it, with one error that lists every problem."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest

from configs import albert_config, errors
from export.checkpoints import mapping, opening, restore, weight_table
from tests.support import checkpoints, golden

_MODEL = golden.MODELS["tiny"]


class _Variable:
    def __init__(self, shape):
        self.shape, self.value = shape, None

    def assign(self, value):
        self.value = value


def _variables(config, *, without=()):
    return {
        name: _Variable(shape)
        for name, shape in mapping.shapes(config).items()
        if not name.startswith(tuple(without))
    }


def _edited(golden_root, tmp_path, edit):
    """Opens the golden Hugging Face model after its tensors were edited in place."""
    hf = golden_root / "tiny" / "hf"
    tensors = checkpoints.read_safetensors(hf / "model.safetensors")
    edit(tensors)
    checkpoints.write_safetensors(tmp_path / "model.safetensors", tensors)
    shutil.copy(hf / "config.json", tmp_path)
    return opening.open(str(tmp_path))


def _edited_tf1(golden_root, tmp_path, edit):
    tensors = checkpoints.read_tensorflow(golden_root / "tiny" / "tf1" / "model.ckpt-best")
    edit(tensors)
    checkpoints.write_tensorflow(tmp_path / "model.ckpt-1", tensors)
    return opening.open(str(tmp_path))


def test_every_variable_gets_its_value(golden_root):
    source = opening.open(str(golden_root / "tiny" / "tf1"))
    variables = _variables(_MODEL.config)
    seen = []
    restore.restore(
        variables,
        checkpoint=source,
        config=_MODEL.config,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    done = np.cumsum([np.prod(variable.shape) for variable in variables.values()])
    assert seen == [(count, done[-1]) for count in done]
    for name, variable in variables.items():
        assert variable.value.tobytes() == golden.tensors("tiny")[name].tobytes(), name


def test_tensorflow_variables_are_filled(golden_root):
    import tensorflow as tf

    source = opening.open(str(golden_root / "tiny" / "hf"))
    variables = {
        name: tf.Variable(tf.zeros(shape), name=name)
        for name, shape in mapping.shapes(_MODEL.config).items()
    }
    restore.restore(variables, checkpoint=source, config=_MODEL.config)
    for name, variable in variables.items():
        assert variable.numpy().tobytes() == golden.tensors("tiny")[name].tobytes(), name


def test_heads_that_the_model_lacks_are_passed_over(golden_root):
    source = opening.open(str(golden_root / "tiny" / "hf"))
    variables = _variables(_MODEL.config, without=["cls/"])
    restore.restore(variables, checkpoint=source, config=_MODEL.config)
    assert all(variable.value is not None for variable in variables.values())


def test_one_error_lists_every_problem(golden_root, tmp_path):
    def edit(tensors):
        del tensors["albert.embeddings.LayerNorm.bias"]
        tensors["albert.embeddings.LayerNorm.scale"] = np.zeros([16], np.float32)
        tensors["albert.pooler.bias"] = np.zeros([31], np.float32)
        tensors["albert.pooler.weight"] = tensors["albert.pooler.weight"].astype(np.float64)
        name = "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.bias"
        tensors[name] = np.full([64], np.nan, np.float32)
        tensors["predictions.dense.bias"] = np.full([16], np.inf, np.float32)
        tensors["predictions.decoder.weight"] = tensors["predictions.dense.weight"]

    source = _edited(golden_root, tmp_path, edit)
    with pytest.raises(errors.CheckpointMismatchError) as caught:
        restore.restore(_variables(_MODEL.config), checkpoint=source, config=_MODEL.config)
    message = str(caught.value)
    for problem in (
        "missing albert.embeddings.LayerNorm.bias",
        "left over albert.embeddings.LayerNorm.scale [16]",
        "wrong shape of albert.pooler.bias: [31], expected [32]",
        "wrong type of albert.pooler.weight: float64, expected float32",
        "not finite: albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.bias",
        "not finite: predictions.dense.bias",
        "predictions.decoder.weight is not equal to albert.embeddings.word_embeddings.weight",
    ):
        assert problem in message
    assert message.count(";") == 6  # and nothing else


@pytest.mark.parametrize("present", [True, False])
def test_tied_twins_may_be_absent_and_must_be_equal_when_present(golden_root, tmp_path, present):
    def edit(tensors):
        twins = {
            "predictions.decoder.weight": tensors["albert.embeddings.word_embeddings.weight"],
            "predictions.decoder.bias": tensors["predictions.bias"],
        }
        for twin, value in twins.items():
            tensors.pop(twin, None)
            if present:
                tensors[twin] = value.copy()

    source = _edited(golden_root, tmp_path, edit)
    restore.restore(_variables(_MODEL.config), checkpoint=source, config=_MODEL.config)


def test_a_twin_that_differs_in_the_last_bit_is_refused(golden_root, tmp_path):
    def edit(tensors):
        words = tensors["albert.embeddings.word_embeddings.weight"].copy()
        words[7, 3] = np.nextafter(words[7, 3], np.float32(9))
        tensors["predictions.decoder.weight"] = words

    source = _edited(golden_root, tmp_path, edit)
    with pytest.raises(errors.CheckpointMismatchError, match=r"decoder\.weight is not equal to"):
        restore.restore(_variables(_MODEL.config), checkpoint=source, config=_MODEL.config)


def test_a_source_without_pooler_does_not_fit_a_model_that_has_one(golden_root):
    source = opening.open(str(golden_root / "tiny" / "hf" / "masked_lm"))
    assert restore.has_mlm_head(source) and not source.config.pooler
    with pytest.raises(errors.CheckpointMismatchError, match=r"missing albert\.pooler\.weight"):
        restore.restore(
            _variables(_MODEL.config, without=[weight_table.SOP_HEAD]),
            checkpoint=source,
            config=_MODEL.config,
        )
    assert not any(name.startswith("pooler") for name in restore.read(source, config=source.config))


def test_a_sentence_order_head_needs_the_pooler(golden_root, tmp_path):
    def edit(tensors):
        del tensors["albert.pooler.weight"], tensors["albert.pooler.bias"]

    source = _edited(golden_root, tmp_path, edit)
    with pytest.raises(errors.CheckpointMismatchError, match=r"missing albert\.pooler\.weight"):
        restore.read(source, config=source.config)


def test_a_missing_head_is_listed(golden_root):
    source = opening.open(str(golden_root / "tiny" / "hf" / "albert_model"))
    with pytest.raises(errors.CheckpointMismatchError, match=r"missing predictions\.dense\.weight"):
        restore.restore(_variables(_MODEL.config), checkpoint=source, config=_MODEL.config)


def test_half_of_a_head_is_not_no_head(golden_root, tmp_path):
    def edit(tensors):
        for name in [name for name in tensors if name.startswith("predictions.dense")]:
            del tensors[name]

    source = _edited(golden_root, tmp_path, edit)
    assert restore.has_mlm_head(source)
    with pytest.raises(errors.CheckpointMismatchError, match=r"missing predictions\.dense\.bias"):
        restore.read(source, config=_MODEL.config)


def test_heads_of_fine_tuned_models_are_left_out_or_whole(golden_root, tmp_path):
    def edit(tensors):
        tensors["classifier.weight"] = np.zeros([3, 32], np.float32)
        tensors["classifier.bias"] = np.zeros([3], np.float32)
        tensors["qa_outputs.weight"] = np.zeros([2, 32], np.float32)
        tensors["albert.embeddings.position_ids"] = np.arange(64, dtype=np.int64)[None]

    source = _edited(golden_root, tmp_path, edit)
    restore.read(source, config=_MODEL.config, heads=())
    with pytest.raises(
        errors.CheckpointMismatchError, match=r"missing qa_outputs\.bias .*--nohead"
    ):
        restore.read(source, config=_MODEL.config)


@pytest.mark.parametrize("dtype", [np.float16, np.uint16])  # uint16 stands for bfloat16
def test_half_precision_is_widened_exactly(golden_root, tmp_path, dtype):
    def edit(tensors):
        for name, value in tensors.items():
            bits = value.view(np.uint32) >> 16
            tensors[name] = bits.astype(np.uint16) if dtype is np.uint16 else value.astype(dtype)

    source = _edited(golden_root, tmp_path, edit)
    got = restore.read(source, config=_MODEL.config)
    for name, value in golden.tensors("tiny").items():
        exact = (
            (value.view(np.uint32) & 0xFFFF0000).view(np.float32)
            if dtype is np.uint16
            else value.astype(np.float16).astype(np.float32)
        )
        assert got[name].dtype == np.float32
        np.testing.assert_array_equal(got[name], exact)
    assert source.manifest_entries()["dtypes"] == ["bfloat16" if dtype is np.uint16 else "float16"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_of_a_tensorflow_checkpoint_is_widened_exactly(golden_root, tmp_path, dtype):
    import tensorflow as tf

    def edit(tensors):
        for name in tensors:
            if name != "global_step":
                tensors[name] = tf.cast(tensors[name], dtype).numpy()

    source = _edited_tf1(golden_root, tmp_path, edit)
    got = restore.read(source, config=_MODEL.config)
    for name, value in golden.tensors("tiny").items():
        expected = tf.cast(tf.cast(value, dtype), tf.float32).numpy()
        assert got[name].dtype == np.float32
        np.testing.assert_array_equal(got[name], expected)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"vocab_size": 101}, r"word_embeddings\.weight: \[100, 16\], expected \[101, 16\]"),
        ({"num_hidden_groups": 2}, r"missing albert\.encoder\.albert_layer_groups\.1"),
        (
            {"inner_group_num": 2},
            r"missing albert\.encoder\.albert_layer_groups\.0\.albert_layers\.1",
        ),
        ({"intermediate_size": 65}, r"ffn\.weight: \[64, 32\], expected \[65, 32\]"),
        ({"max_position_embeddings": 512}, r"position_embeddings\.weight: \[64, 16\]"),
        ({"type_vocab_size": 1}, r"token_type_embeddings\.weight: \[2, 16\]"),
    ],
    ids=str,
)
def test_a_config_that_does_not_fit_the_weights_is_refused(golden_root, change, reason):
    source = opening.open(str(golden_root / "tiny" / "hf"))
    with pytest.raises(errors.CheckpointMismatchError, match=reason):
        restore.read(source, config=dataclasses.replace(_MODEL.config, **change))


def test_groups_that_the_config_lacks_are_left_over(golden_root):
    source = opening.open(str(golden_root / "tiny_groups" / "tf1"))
    config = dataclasses.replace(source.config, num_hidden_groups=1)
    with pytest.raises(errors.CheckpointMismatchError, match="left over bert/encoder/transformer/"):
        restore.read(source, config=config)


def test_heads_are_checked_where_the_source_keeps_them_apart(golden_root):
    source = opening.open(str(golden_root / "tiny" / "model_garden" / "encoder"))
    config = dataclasses.replace(_MODEL.config, num_attention_heads=8)
    with pytest.raises(
        errors.CheckpointMismatchError, match=r"\[32, 4, 8\], expected \[32, 8, 4\]"
    ):
        restore.read(source, config=config)


def test_model_garden_has_no_groups(golden_root):
    source = opening.open(str(golden_root / "tiny" / "model_garden" / "encoder"))
    config = dataclasses.replace(_MODEL.config, num_hidden_groups=2)
    with pytest.raises(
        errors.CheckpointMismatchError, match="format model_garden has no place for"
    ):
        restore.read(source, config=config)


def test_original_has_a_projection_only_where_sizes_differ(golden_root, tmp_path):
    projection = "bert/encoder/embedding_hidden_mapping_in"
    config = dataclasses.replace(_MODEL.config, embedding_size=32, embedding_projection=False)
    widened = {
        entry.names["tf1"]: np.zeros(
            mapping.checkpoint_shape(entry, checkpoint_format="tf1"), np.float32
        )
        for entry in mapping.entries(config)
    }
    checkpoints.write_tensorflow(tmp_path / "a", widened)
    source = opening.open(str(tmp_path))
    assert not source.fitted(config).embedding_projection
    assert not any(
        name.startswith("embedding_projection") for name in restore.read(source, config=config)
    )
    widened[f"{projection}/kernel"] = np.zeros([32, 32], np.float32)
    checkpoints.write_tensorflow(tmp_path / "a", widened)
    assert opening.open(str(tmp_path)).fitted(config).embedding_projection


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"hidden_act": "swish"}, "hidden_act must be one of"),
        ({"position_embedding_type": "relative_key"}, "must be 'absolute'"),
        ({"model_type": "bert"}, "model_type must be 'albert'"),
        ({"hidden_size": "32"}, "positive integer"),
    ],
    ids=str,
)
def test_configs_that_mean_another_computation_are_refused(golden_root, tmp_path, values, reason):
    hf = golden_root / "tiny" / "hf"
    shutil.copy(hf / "model.safetensors", tmp_path)
    content = json.loads((hf / "config.json").read_text()) | values
    (tmp_path / "config.json").write_text(json.dumps(content))
    opened = opening.open(str(tmp_path))
    with pytest.raises(errors.ConfigError, match=reason):
        _ = opened.config


def test_gelu_and_epsilon_are_those_of_the_source(golden_root, tmp_path):
    hf = golden_root / "tiny" / "hf"
    erf = json.loads((hf / "gelu_erf" / "config.json").read_text())
    assert albert_config.from_json(erf).hidden_act == albert_config.GELU_ERF
    assert opening.open(str(hf)).config.hidden_act == albert_config.GELU_TANH
    assert albert_config.from_json(erf | {"layer_norm_eps": 1e-5}).layer_norm_eps == 1e-5


def test_truncated_safetensors_are_refused_before_anything_is_read(golden_root, tmp_path):
    content = (golden_root / "tiny" / "hf" / "model.safetensors").read_bytes()
    for length in (0, 7, 8, 9, 100, len(content) // 2, len(content) - 1):
        path = pathlib.Path(tmp_path / "model.safetensors")
        path.write_bytes(content[:length])
        with pytest.raises(errors.CheckpointError, match="truncated or corrupted"):
            opening.open(str(tmp_path))


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{",
        b'{"a": 1}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}',
        b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},'
        b' "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},'
        b' "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
        b"\xff" * 20,
        b'{"a":' * 5000,
    ],
)
def test_safetensors_headers_that_do_not_fit_their_data_are_refused(tmp_path, header):
    checkpoints.write_safetensors_parts(tmp_path / "model.safetensors", header, bytes(8))
    with pytest.raises(errors.CheckpointError):
        opening.open(str(tmp_path))


def test_safetensors_headers_of_gigabytes_are_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes((1 << 33).to_bytes(8, "little") + b"{}")
    with pytest.raises(errors.CheckpointError, match=r"(?i)header *too *large"):
        opening.open(str(tmp_path))


def test_our_reader_of_safetensors_agrees_with_the_library(golden_root):
    library = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    path = golden_root / "tiny" / "hf" / "model.safetensors"
    expected = library.load_file(path)
    got = {tensor.name: tensor.read() for tensor in opening.open(str(path)).tensors.values()}
    assert set(got) == set(expected)
    assert all(got[name].tobytes() == expected[name].tobytes() for name in got)
