"""The encoder agrees with the NumPy model, and refuses invalid inputs."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from configs import albert_config, hub_api
from export.model import albert
from export.verification import numpy_albert
from tests.conformance import table
from tests.support import sampling

# float32 against float64; the models amplify rounding in no more than a few layers.
ATOL = 1e-5
B, S = 2, 5

# Of the encoder with its pooler; of the published weights.
PARAMETERS = {
    "base": 11_683_584,
    "large": 17_683_968,
    "xlarge": 58_724_864,
    "xxlarge": 222_595_584,
}

CONFIGS = {
    "tiny": {},
    "two_groups": {"num_hidden_layers": 3, "num_hidden_groups": 2},
    "two_inner_blocks": {"inner_group_num": 2},
    "two_groups_of_two": {"num_hidden_layers": 3, "num_hidden_groups": 2, "inner_group_num": 2},
    "no_projection": {"embedding_size": 8, "embedding_projection": False},
    "projection_between_equal_sizes": {"embedding_size": 8},
    "relu": {"hidden_act": "relu"},
    "tanh": {"hidden_act": "tanh"},
    "linear": {"hidden_act": "linear"},
    "gelu_erf": {"hidden_act": albert_config.GELU_ERF},
    "layer_norm_eps": {"layer_norm_eps": 1e-2},
    "one_head": {"num_attention_heads": 1},
    "dropout": {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5},
}


@functools.cache
def _encoder(**changes):
    encoder = albert.Encoder(dataclasses.replace(table.TINY, **changes))
    table.randomize(encoder.variables)
    return encoder


@pytest.fixture
def tiny():
    return _encoder()


def _inputs(generator=None, *, batch=B, length=S):
    generator = generator or np.random.default_rng(3)
    lengths = generator.integers(1, length + 1, [batch, 1])
    return {
        hub_api.INPUT_WORD_IDS: generator.integers(0, 100, [batch, length], np.int32),
        hub_api.INPUT_TYPE_IDS: generator.integers(0, 3, [batch, length], np.int32),
        hub_api.INPUT_MASK: (np.arange(length) < lengths).astype(np.int32),
    }


def _tensors(inputs):
    return {name: tf.constant(array, tf.int32) for name, array in inputs.items()}


def _assert_equals_oracle(encoder, inputs, *, atol=ATOL):
    outputs = encoder(_tensors(inputs), training=False)
    tensors = {table.name_of(v): v.numpy().astype(np.float64) for v in encoder.variables}
    expected = numpy_albert.encode(tensors, config=encoder.config, inputs=inputs, dtype=np.float64)
    for name, output in outputs.items():
        np.testing.assert_allclose(output, expected[name], atol=atol, rtol=0, err_msg=name)


@sampling.parametrize("changes", CONFIGS.values(), sample=[*CONFIGS.values()][::4], ids=CONFIGS)
def test_outputs_equal_the_oracle(changes):
    _assert_equals_oracle(_encoder(**changes), _inputs())


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 16), (3, 2), (7, 9)])
def test_outputs_equal_the_oracle_for_every_shape(tiny, batch, length):
    inputs = _inputs(np.random.default_rng(length), batch=batch, length=length)
    _assert_equals_oracle(tiny, inputs)


@pytest.mark.parametrize("mask", [[0, 1, 1, 1, 0], [0, 0, 0, 0, 1], [1, 0, 1, 0, 1]])
def test_outputs_equal_the_oracle_for_every_mask(tiny, mask):
    inputs = _inputs() | {hub_api.INPUT_MASK: np.array([mask, [1] * S], np.int32)}
    _assert_equals_oracle(tiny, inputs)


def test_a_row_of_padding_attends_to_all_of_it_as_the_original_does(tiny):
    inputs = _inputs() | {hub_api.INPUT_MASK: np.zeros([B, S], np.int32)}
    # -10000 is added to every score, which leaves them three decimals in float32.
    _assert_equals_oracle(tiny, inputs, atol=1e-2)


def test_an_empty_batch_gives_empty_outputs(tiny):
    inputs = {name: tf.zeros([0, S], tf.int32) for name in hub_api.ENCODER_INPUTS}
    for unpadded in (False, True):
        outputs = tiny(inputs, training=False, unpadded=unpadded)
        assert outputs[hub_api.POOLED_OUTPUT].shape == [0, 8]
        assert outputs[hub_api.SEQUENCE_OUTPUT].shape == [0, S, 8]


def test_the_last_layer_is_the_sequence_output_and_default_the_pooled_output(tiny):
    outputs = tiny(_tensors(_inputs()), training=False)
    last = outputs[hub_api.ENCODER_OUTPUTS][-1]
    np.testing.assert_array_equal(outputs[hub_api.SEQUENCE_OUTPUT], last)
    np.testing.assert_array_equal(outputs[hub_api.POOLED_OUTPUT], outputs[hub_api.DEFAULT])


@pytest.mark.parametrize("unpadded", [False, True])
@pytest.mark.parametrize("in_function", [False, True])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("length", 17, "seq_length must be at most 16"),
        (hub_api.INPUT_WORD_IDS, 100, "input_word_ids must be at least 0 and below 100"),
        (hub_api.INPUT_WORD_IDS, -1, "input_word_ids must be at least 0 and below 100"),
        (hub_api.INPUT_TYPE_IDS, 3, "input_type_ids must be at least 0 and below 3"),
        (hub_api.INPUT_TYPE_IDS, -1, "input_type_ids must be at least 0 and below 3"),
    ],
)
def test_limits_are_named_when_they_are_exceeded(tiny, unpadded, in_function, name, value, message):
    inputs = _inputs(length=value if name == "length" else S)
    if name != "length":
        inputs[name][0, 1] = value
    call = tf.function(tiny) if in_function else tiny
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(_tensors(inputs), training=False, unpadded=unpadded)


@pytest.mark.parametrize("name", [hub_api.INPUT_MASK, hub_api.INPUT_TYPE_IDS])
@pytest.mark.parametrize("shape", [[B, S - 1], [B - 1, S], [1, 1]])
def test_inputs_of_unequal_shapes_are_refused_by_name(tiny, name, shape):
    inputs = _tensors(_inputs()) | {name: tf.ones(shape, tf.int32)}
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=f"{name}.must"):
        tiny(inputs, training=False)


@pytest.fixture(scope="module")
def explained():
    encoder = albert.Encoder(
        dataclasses.replace(table.TINY, attention_probs_dropout_prob=0.5),
        attention_outputs=True,
        from_embeddings=True,
    )
    table.randomize(encoder.variables)
    return encoder


@pytest.mark.parametrize("training", [False, True])
def test_attention_is_the_softmax_before_its_dropout(explained, training):
    inputs = _inputs()
    first = explained(_tensors(inputs), training=training)[hub_api.ATTENTION_PROBS][0]
    tensors = {table.name_of(v): v.numpy().astype(np.float64) for v in explained.variables}
    expected = numpy_albert.encode(
        tensors, config=explained.config, inputs=inputs, dtype=np.float64
    )
    expected = expected[hub_api.ATTENTION_PROBS][0]
    assert first.shape == [B, explained.config.num_attention_heads, S, S]
    np.testing.assert_allclose(first, expected, atol=ATOL, rtol=0)
    np.testing.assert_allclose(tf.reduce_sum(first, -1), np.ones([B, 2, S]), atol=ATOL, rtol=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"word_embeddings": tf.ones([B, 17, 6])}, "seq_length must be at most 16"),
        ({"input_mask": tf.ones([B, 1], tf.int32)}, "input_mask.must.have.the.batch.and.length"),
        ({"input_type_ids": tf.fill([B, S], 3)}, "input_type_ids must be at least 0 and below 3"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused_by_name(explained, changes, message):
    inputs = {name: tf.ones([B, S], tf.int32) for name in hub_api.ENCODER_INPUTS}
    inputs["word_embeddings"] = explained.lookup(inputs["input_word_ids"])
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=message):
        explained.from_embeddings({**inputs, **changes}, training=False)


def test_lookup_refuses_ids_outside_the_table(explained):
    message = "input_word_ids must be at least 0 and below 100"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        explained.lookup(tf.constant([[1, 100]]))


@sampling.parametrize(("size", "count"), PARAMETERS.items(), sample=[*PARAMETERS.items()][-1:])
def test_sizes_have_the_published_number_of_parameters(size, count):
    # In a graph, where variables take no memory until they are initialised.
    with tf.Graph().as_default():
        encoder = albert.Encoder(albert_config.load(size))
    assert sum(variable.shape.num_elements() for variable in encoder.variables) == count


# Names and shapes of ALBERT large, from the published model; the order is the contract's.
LARGE_VARIABLES = [
    ("word_embeddings/embeddings", [30000, 128]),
    ("position_embedding/embeddings", [512, 128]),
    ("type_embeddings/embeddings", [2, 128]),
    ("embeddings/layer_norm/gamma", [128]),
    ("embeddings/layer_norm/beta", [128]),
    ("embedding_projection/kernel", [128, 1024]),
    ("embedding_projection/bias", [1024]),
    ("transformer/self_attention/query/kernel", [1024, 16, 64]),
    ("transformer/self_attention/query/bias", [16, 64]),
    ("transformer/self_attention/key/kernel", [1024, 16, 64]),
    ("transformer/self_attention/key/bias", [16, 64]),
    ("transformer/self_attention/value/kernel", [1024, 16, 64]),
    ("transformer/self_attention/value/bias", [16, 64]),
    ("transformer/self_attention/attention_output/kernel", [16, 64, 1024]),
    ("transformer/self_attention/attention_output/bias", [1024]),
    ("transformer/self_attention_layer_norm/gamma", [1024]),
    ("transformer/self_attention_layer_norm/beta", [1024]),
    ("transformer/intermediate/kernel", [1024, 4096]),
    ("transformer/intermediate/bias", [4096]),
    ("transformer/output/kernel", [4096, 1024]),
    ("transformer/output/bias", [1024]),
    ("transformer/output_layer_norm/gamma", [1024]),
    ("transformer/output_layer_norm/beta", [1024]),
    ("pooler_transform/kernel", [1024, 1024]),
    ("pooler_transform/bias", [1024]),
]


def test_large_has_the_contracts_variables_in_order():
    with tf.Graph().as_default():
        encoder = albert.Encoder(albert_config.load("large"))
    assert [(table.name_of(v), v.shape.as_list()) for v in encoder.variables] == LARGE_VARIABLES
    assert all(v.dtype == tf.float32 and v.trainable for v in encoder.variables)


def test_variables_of_several_blocks_carry_group_and_inner_group():
    names = [table.name_of(v) for v in _encoder(**CONFIGS["two_groups_of_two"]).variables]
    scopes = [name.removesuffix("/output/bias") for name in names if name.endswith("/output/bias")]
    assert scopes == [
        f"transformer/group_{group}/inner_group_{inner}" for group in (0, 1) for inner in (0, 1)
    ]


def test_there_is_no_projection_variable_without_a_projection():
    names = [table.name_of(v) for v in _encoder(**CONFIGS["no_projection"]).variables]
    assert not [name for name in names if name.startswith("embedding_projection")]
    assert len(names) == 23
