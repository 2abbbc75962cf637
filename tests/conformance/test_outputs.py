"""Every callable of every artifact computes the right numbers, however it is loaded and called."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from tests.conformance import table

CASES = pytest.mark.parametrize("case", table.CASES, ids=str)
LARGEST_CASES = pytest.mark.parametrize("case", table.LARGEST_CASES, ids=str)
SEQ_LENGTH = 10


def _assert_close(outputs, expected, *, atol):
    assert set(outputs) == set(expected)
    for name, value in expected.items():
        got = np.asarray(outputs[name])
        assert got.dtype == np.float32, name
        assert got.shape == np.asarray(value).shape, name
        np.testing.assert_allclose(got, value, atol=atol, rtol=0, err_msg=name)


@CASES
def test_restored_outputs_equal_the_oracle(case):
    call = table.shared(case)
    expected = case.expected(table.tensors(call))
    _assert_close(call(case.inputs()), expected, atol=case.artifact.atol)
    assert len(expected[hub_api.ENCODER_OUTPUTS]) == case.artifact.config.num_hidden_layers


@CASES
def test_outputs_do_not_depend_on_what_stands_at_padding(case):
    call = table.shared(case)
    inputs = case.inputs()
    mask = inputs[hub_api.INPUT_MASK]
    changed = {**inputs, hub_api.INPUT_WORD_IDS: inputs[hub_api.INPUT_WORD_IDS] * mask}
    first, second = call(inputs), call(changed)
    tokens = tf.cast(mask, tf.bool)
    for name in (hub_api.SEQUENCE_OUTPUT, hub_api.POOLED_OUTPUT):
        one, other = first[name], second[name]
        if name == hub_api.SEQUENCE_OUTPUT:
            one, other = one[tokens], other[tokens]
        np.testing.assert_allclose(one, other, atol=case.artifact.atol, rtol=0, err_msg=name)


@CASES
def test_outputs_are_the_same_through_a_tf_function_and_a_dataset(case):
    call = table.shared(case)
    expected = call(case.inputs())
    in_function = tf.function(lambda inputs: call(inputs))(case.inputs())
    _assert_close(in_function, expected, atol=case.artifact.atol)
    dataset = tf.data.Dataset.from_tensor_slices(case.inputs()).batch(table.B)
    (mapped,) = dataset.map(lambda inputs: call(inputs))
    _assert_close(
        {**mapped, hub_api.ENCODER_OUTPUTS: list(mapped[hub_api.ENCODER_OUTPUTS])},
        expected,
        atol=case.artifact.atol,
    )


@LARGEST_CASES
def test_outputs_are_the_same_compiled_by_xla(case):
    call = table.shared(case)
    compiled = tf.function(lambda inputs: call(inputs), jit_compile=True)
    _assert_close(compiled(case.inputs()), call(case.inputs()), atol=case.artifact.atol)


@CASES
@pytest.mark.parametrize("trainable", [True, False])
def test_keras_layer_has_the_outputs_and_the_variables(case, trainable):
    call = table.shared(case)
    layer = hub.KerasLayer(call, trainable=trainable)
    _assert_close(layer(case.inputs()), call(case.inputs()), atol=0)
    names = [table.name_of(variable) for variable in call.variables]
    assert [table.name_of(v) for v in call.trainable_variables] == names
    assert [table.name_of(v) for v in layer.trainable_weights] == (names if trainable else [])
    assert sorted(table.name_of(v) for v in layer.weights) == sorted(names)
    assert layer.losses == []


@CASES
def test_functional_api_infers_static_shapes(case):
    inputs = {
        name: tf_keras.layers.Input(
            shape=(table.P if name == hub_api.MASKED_LM_POSITIONS else SEQ_LENGTH,),
            dtype=tf.int32,
        )
        for name in case.input_names
    }
    outputs = hub.KerasLayer(table.shared(case), trainable=True)(inputs)
    config = case.artifact.config
    sequence_shape = [None, SEQ_LENGTH, config.hidden_size]
    assert outputs[hub_api.POOLED_OUTPUT].shape.as_list() == [None, config.hidden_size]
    assert outputs[hub_api.DEFAULT].shape.as_list() == [None, config.hidden_size]
    assert outputs[hub_api.SEQUENCE_OUTPUT].shape.as_list() == sequence_shape
    layers = outputs[hub_api.ENCODER_OUTPUTS]
    assert [layer.shape.as_list() for layer in layers] == [sequence_shape] * len(layers)
    if case.is_mlm:
        logits_shape = [None, table.P, config.vocab_size]
        assert outputs[hub_api.MLM_LOGITS].shape.as_list() == logits_shape
