"""The table and the layouts: every golden weight arrives bit by bit, and errors in them show."""

import dataclasses

import numpy as np
import pytest

from export.checkpoints import mapping, opening, restore, weight_table
from export.checkpoints.weight_table import Kind
from export.verification import numpy_albert
from tests.support import golden

_SOURCES = [
    (model.name, source)
    for model in golden.MODELS.values()
    for source in model.sources
    if not source.endswith((".bin", "legacy"))  # these need torch: test_torch_file.py
]


def _read(golden_root, name, source):
    opened = opening.open(str(golden_root / name / source))
    return restore.read(opened, config=opened.config or golden.MODELS[name].config)


def _assert_equals_original(tensors, name):
    for variable, value in tensors.items():
        expected = golden.tensors(name)[variable]
        assert value.dtype == np.float32 and value.shape == expected.shape, variable
        is_same = value.tobytes() == expected.tobytes()  # pytest would compare them line by line
        assert is_same, variable


@pytest.mark.parametrize(("name", "source"), _SOURCES)
def test_every_source_gives_the_weights_of_the_original_to_the_bit(golden_root, name, source):
    tensors = _read(golden_root, name, source)
    assert set(tensors) <= set(golden.tensors(name))
    encoder = {variable for variable in golden.tensors(name) if not variable.startswith("cls/")}
    assert encoder <= set(tensors)
    _assert_equals_original(tensors, name)


@pytest.mark.parametrize(
    ("source", "heads"),
    [
        ("tf1/model.ckpt-best", {"predictions", "seq_relationship"}),
        ("tf1_hub", {"predictions", "seq_relationship"}),
        ("hf", {"predictions", "seq_relationship"}),
        ("hf/albert_model", set()),
        ("model_garden/encoder", set()),
        ("model_garden/pretrainer", {"predictions"}),
        ("model_garden/pretrainer_default_name", {"predictions"}),
        ("model_garden/saved_model", {"predictions"}),
        ("keras_hub/preset", set()),
    ],
)
def test_heads_are_read_where_the_source_has_them(golden_root, source, heads):
    opened = opening.open(str(golden_root / "tiny" / source))
    assert restore.has_mlm_head(opened) == ("predictions" in heads)
    assert restore.has_sop_head(opened) == ("seq_relationship" in heads)
    tensors = _read(golden_root, "tiny", source)
    assert {name.split("/")[1] for name in tensors if name.startswith("cls/")} == heads


def _swap(rows, column, first, second):
    """Returns the table with two names of one column exchanged."""
    names = {getattr(row, column): row for row in rows}
    exchanged = {
        first: dataclasses.replace(names[first], **{column: second}),
        second: dataclasses.replace(names[second], **{column: first}),
    }
    return tuple(exchanged.get(getattr(row, column), row) for row in rows)


@pytest.mark.parametrize(
    ("column", "source", "first", "second"),
    [
        (
            "tf1",
            "tf1/model.ckpt-best",
            "{block}/attention_1/self/query/kernel",
            "{block}/attention_1/self/value/kernel",
        ),
        (
            "tf1",
            "tf1/model.ckpt-best",
            "{block}/attention_1/self/value/kernel",
            "{block}/attention_1/output/dense/kernel",
        ),
        ("huggingface", "hf", "{block}.attention.key.weight", "{block}.attention.query.weight"),
        (
            "model_garden",
            "model_garden/encoder",
            "{block}/_attention_layer/_query_dense/kernel",
            "{block}/_attention_layer/_key_dense/kernel",
        ),
    ],
)
def test_swapped_names_in_the_table_are_caught(
    golden_root, monkeypatch, column, source, first, second
):
    monkeypatch.setattr(weight_table, "TABLE", _swap(weight_table.TABLE, column, first, second))
    tensors = _read(golden_root, "tiny", source)  # the matrices are square: shapes do not tell
    with pytest.raises(AssertionError):
        _assert_equals_original(tensors, "tiny")


@pytest.mark.parametrize(
    "variable", ["pooler_transform/kernel", "{block}/self_attention/key/kernel"]
)
def test_a_lost_transpose_of_a_square_matrix_is_caught_by_values_and_by_outputs(
    golden_root, monkeypatch, variable
):
    model = golden.MODELS["tiny"]
    lost = {"pooler_transform/kernel": Kind.VECTOR}.get(variable)
    if lost:
        table = tuple(
            dataclasses.replace(row, kind=lost) if row.variable == variable else row
            for row in weight_table.TABLE
        )
        monkeypatch.setattr(weight_table, "TABLE", table)
    else:
        monkeypatch.setattr(
            mapping,
            "_is_transposed",
            lambda kind, checkpoint_format: kind in (Kind.KERNEL, Kind.OUTPUT_WEIGHTS),
        )
    tensors = _read(golden_root, "tiny", "hf")  # shapes alone do not tell
    with pytest.raises(AssertionError):
        _assert_equals_original(tensors, "tiny")
    outputs = numpy_albert.encode(tensors, config=model.config, inputs=golden.inputs(model))
    difference = outputs["pooled_output"] - golden.expected(model)["pooled_output"]
    assert np.abs(difference).max() > 1000 * golden.ATOL


@pytest.mark.parametrize("name", golden.MODELS)
def test_table_has_exactly_the_variables_of_the_original(name):
    model = golden.MODELS[name]
    shapes = mapping.shapes(model.config)
    assert shapes == {key: value.shape for key, value in golden.tensors(name).items()}


@pytest.mark.parametrize("checkpoint_format", weight_table.FORMATS)
def test_no_name_stands_for_two_variables(checkpoint_format):
    entries = mapping.entries(golden.MODELS["tiny_groups"].config)
    names = [
        entry.names[checkpoint_format] for entry in entries if checkpoint_format in entry.names
    ]
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("checkpoint_format", weight_table.FORMATS)
def test_layouts_are_inverse_and_have_the_shape_they_say(checkpoint_format):
    for entry in mapping.entries(golden.MODELS["tiny"].config):
        value = np.arange(np.prod(entry.shape), dtype=np.float32).reshape(entry.shape)
        stored = mapping.to_checkpoint(value, entry=entry, checkpoint_format=checkpoint_format)
        assert stored.shape == mapping.checkpoint_shape(entry, checkpoint_format=checkpoint_format)
        back = mapping.to_variable(stored, entry=entry, checkpoint_format=checkpoint_format)
        np.testing.assert_array_equal(back, value)


def test_order_is_that_of_the_contract():
    names = [entry.variable for entry in mapping.entries(golden.MODELS["tiny"].config)]
    assert names[:5] == [
        "word_embeddings/embeddings",
        "position_embedding/embeddings",
        "type_embeddings/embeddings",
        "embeddings/layer_norm/gamma",
        "embeddings/layer_norm/beta",
    ]
    assert names[23:25] == ["pooler_transform/kernel", "pooler_transform/bias"]


def test_every_ignored_name_has_a_reason():
    for patterns in weight_table.IGNORED.values():
        assert all(reason.strip() for reason in patterns.values())
    reason = mapping.ignored_reason("bert/pooler/dense/kernel/adam_m", checkpoint_format="tf1")
    assert reason == "state of the optimizer"
    assert mapping.ignored_reason("bert/pooler/dense/kernels", checkpoint_format="tf1") is None
