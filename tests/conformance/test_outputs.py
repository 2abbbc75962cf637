"""Every callable of every artifact computes the right numbers, however it is loaded and called."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from tests.conformance import rounding, table
from tests.support import sampling

# Golden models, `model/test_albert.py` and `export/artifacts/test_head_exports.py` have the others.
_OTHERS = ("relu_eps", "sop", "attention_dropout", "beam")
CASES = sampling.parametrize(
    "case",
    table.CASES,
    sample=[case for case in table.CASES if case.artifact.name not in _OTHERS],
    ids=str,
)
SAMPLED_CASES = sampling.parametrize("case", table.CASES, sample=table.SAMPLE, ids=str)
# For what traces a graph.
TWO_CASES = sampling.parametrize("case", table.CASES, sample=table.SAMPLE[:2], ids=str)
LARGEST_CASES = sampling.parametrize(
    "case",
    table.LARGEST_CASES,
    sample=[case for case in table.SAMPLE if case.artifact.name == "erf_no_projection_no_mlm"],
    ids=str,
)
SEQ_LENGTH = 10


@CASES
def test_restored_outputs_equal_the_oracle(case):
    outputs = table.shared(case)(case.inputs())
    rounding.assert_outputs_right(case, outputs)
    assert len(outputs[hub_api.ENCODER_OUTPUTS]) == case.artifact.config.num_hidden_layers


@sampling.parametrize(
    "case",
    [case for case in table.CASES if not case.is_choice],
    sample=table.SAMPLE,
    ids=str,
)
def test_outputs_do_not_depend_on_what_stands_at_padding(case):
    inputs = case.inputs()
    mask = inputs[hub_api.INPUT_MASK]
    changed = {**inputs, hub_api.INPUT_WORD_IDS: inputs[hub_api.INPUT_WORD_IDS] * mask}
    outputs = table.shared(case)(changed)
    expected, limits = rounding.right_outputs(case)
    tokens = mask.numpy().astype(bool)
    for name, places in ((hub_api.SEQUENCE_OUTPUT, tokens), (hub_api.POOLED_OUTPUT, ...)):
        limit = np.broadcast_to(limits[name], expected[name].shape)[places]
        rounding.assert_within(outputs[name].numpy()[places], expected[name][places], limit, name)


@TWO_CASES
def test_outputs_are_the_same_through_a_tf_function_and_a_dataset(case):
    call = table.shared(case)
    in_function = tf.function(lambda inputs: call(inputs), autograph=False)
    rounding.assert_outputs_right(case, in_function(case.inputs()))
    dataset = tf.data.Dataset.from_tensor_slices(case.inputs())
    (mapped,) = dataset.batch(len(dataset), drop_remainder=True).map(in_function)
    layers = list(mapped[hub_api.ENCODER_OUTPUTS])
    rounding.assert_outputs_right(case, {**mapped, hub_api.ENCODER_OUTPUTS: layers})


@LARGEST_CASES
def test_outputs_are_the_same_compiled_by_xla(case):
    call = table.shared(case)
    compiled = tf.function(lambda inputs: call(inputs), jit_compile=True, autograph=False)
    rounding.assert_outputs_right(case, compiled(case.inputs()))


@SAMPLED_CASES
@pytest.mark.parametrize("trainable", [True, False])
def test_keras_layer_has_the_outputs_and_the_variables(case, trainable):
    call = table.shared(case)
    layer = hub.KerasLayer(call, trainable=trainable)
    tf.nest.map_structure(np.testing.assert_array_equal, layer(case.inputs()), call(case.inputs()))
    names = [table.name_of(variable) for variable in call.variables]
    assert [table.name_of(v) for v in call.trainable_variables] == names
    assert [table.name_of(v) for v in layer.trainable_weights] == (names if trainable else [])
    assert sorted(table.name_of(v) for v in layer.weights) == sorted(names)
    assert layer.losses == []


@SAMPLED_CASES
def test_functional_api_infers_static_shapes(case):
    rows = [table.N] if case.is_choice else []
    inputs = {
        name: tf_keras.layers.Input(
            shape=(*rows, table.P if name == hub_api.MASKED_LM_POSITIONS else SEQ_LENGTH),
            dtype=tf.int32,
        )
        for name in case.input_names
    }
    outputs = hub.KerasLayer(table.shared(case), trainable=True)(inputs)
    config = case.artifact.config
    sequence_shape = [None, *rows, SEQ_LENGTH, config.hidden_size]
    assert outputs[hub_api.POOLED_OUTPUT].shape.as_list() == [None, *rows, config.hidden_size]
    assert outputs[hub_api.DEFAULT].shape.as_list() == [None, *rows, config.hidden_size]
    assert outputs[hub_api.SEQUENCE_OUTPUT].shape.as_list() == sequence_shape
    layers = outputs[hub_api.ENCODER_OUTPUTS]
    assert [layer.shape.as_list() for layer in layers] == [sequence_shape] * len(layers)
    if case.is_mlm:
        logits_shape = [None, table.P, config.vocab_size]
        assert outputs[hub_api.MLM_LOGITS].shape.as_list() == logits_shape
    elif case.artifact.task_heads:
        (labels,) = [len(h.labels) for h in case.artifact.task_heads if h.kind == case.head]
        shapes = {
            hub_api.CLASSIFY: {"logits": [None, labels]},
            hub_api.TAG: {"logits": [None, SEQ_LENGTH, labels]},
            hub_api.ANSWER: {"start_logits": [None, SEQ_LENGTH]},
            hub_api.CHOOSE: {"logits": [None, table.N]},
        }
        for name, shape in shapes[case.head].items():
            assert outputs[name].shape.as_list() == shape
