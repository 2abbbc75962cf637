"""Restored artifacts can be trained: dropout, shared variables, and losses that come down."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from tests.conformance import rounding, table
from tests.support import sampling


def _sampled(cases, *names):
    sample = [case for case in cases if str(case) in names]
    return sampling.parametrize("case", cases, sample=sample, ids=str)


SOME_CASES = _sampled(
    table.CASES,
    *("two_groups_of_two-mlm", "dropout-unpadded.mlm"),
)
MLM_CASES = _sampled(
    [case for case in table.CASES if case.is_mlm],
    "bfloat16-unpadded.mlm",
)
DROPOUT_CASES = _sampled(
    [case for case in table.LARGEST_CASES if case.artifact.config.hidden_dropout_prob],
    "dropout-unpadded.mlm",
)
ENCODER_CASES = _sampled(
    [case for case in table.CASES if not case.head],
    "dropout-encoder",
)
STEPS = 30


@SOME_CASES
def test_training_changes_results_exactly_when_there_is_dropout(case):
    call = table.shared(case)
    inputs = case.inputs()
    inference = call(inputs, training=False)
    if not case.artifact.has_dropout:
        # Another form of the same activation may be used for training.
        rounding.assert_outputs_right(case, call(inputs, training=True))
    for name, output in inference.items():
        np.testing.assert_array_equal(output, call(inputs)[name], err_msg=name)
        one, other = (np.asarray(call(inputs, training=True)[name]) for _ in range(2))
        if case.artifact.has_dropout:
            assert np.abs(one - output).max() > 0.01, name
            assert np.abs(one - other).max() > 0.01, name
        else:
            np.testing.assert_array_equal(one, other, err_msg=name)


def _dropped(case, *, bias: str) -> list[np.ndarray]:
    """Returns, by layer, the units [tokens, H] that dropout removed from the output of `bias`.

    With all other weights zero and a large bias, a unit is far above the mean of its row unless it
    was dropped: the others are equal, and so are the dropped ones. A row that differs in another
    way has lost none.
    """
    with table.changeable(case.artifact) as root:
        call = case.callable_in(root)
        for variable in call.variables:
            name = table.name_of(variable)
            if name.startswith("transformer/"):
                value = 1000.0 if name == f"transformer/{bias}" else float(name.endswith("/gamma"))
                variable.assign(tf.fill(variable.shape, value))
        layers = call(case.inputs(), training=True)[hub_api.ENCODER_OUTPUTS]
    tokens = tf.cast(case.inputs()[hub_api.INPUT_MASK], tf.bool)
    return [_below_the_others(layer[tokens].numpy()) for layer in layers]


def _below_the_others(rows: np.ndarray) -> np.ndarray:
    """Returns the units [tokens, H] below zero in rows of two values."""
    below = rows < 0
    spreads = [
        np.where(mask, rows, -np.inf).max(axis=1) - np.where(mask, rows, np.inf).min(axis=1)
        for mask in (below, ~below)
    ]
    return below & (np.maximum(*spreads) < 0.1)[:, np.newaxis]


@DROPOUT_CASES
@pytest.mark.parametrize("bias", ["output/bias", "self_attention/attention_output/bias"])
def test_dropout_masks_differ_from_layer_to_layer_and_from_call_to_call(case, bias):
    masks = _dropped(case, bias=bias) + _dropped(case, bias=bias)
    rate = case.artifact.config.hidden_dropout_prob
    for mask in masks:
        # 13 tokens x 8 units: five standard deviations.
        assert abs(mask.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / mask.size)
    for one, other in itertools.combinations(masks, 2):
        assert (one != other).any()


@pytest.mark.stress  # model/test_albert.py has attention and its dropout
def test_attention_dropout_masks_differ_from_layer_to_layer_and_from_call_to_call():
    """With equal scores and values of one, a head's context tells how many keys it dropped."""
    (case,) = (c for c in table.CASES if str(c) == "attention_dropout-encoder")
    with table.changeable(case.artifact) as root:
        for variable in root.variables:
            name = table.name_of(variable)
            if name.endswith("value/bias"):
                variable.assign(tf.ones(variable.shape))
            elif name.endswith("attention_output/kernel"):
                identity = tf.eye(case.artifact.config.hidden_size)
                variable.assign(1000 * tf.reshape(identity, variable.shape))
            elif name.startswith("transformer/") and not name.endswith("/gamma"):
                variable.assign(tf.zeros(variable.shape))
        inputs = {name: tf.ones([16, 16], tf.int32) for name in hub_api.ENCODER_INPUTS}
        calls = [root(inputs, training=True)[hub_api.ENCODER_OUTPUTS] for _ in range(2)]
    # Normalised over two heads, the sign of a head tells whether it dropped fewer than the other.
    signs = [np.sign(layer[..., 0]) for layers in calls for layer in layers]
    for one, other in itertools.combinations(signs, 2):
        assert (one != other).any()


@_sampled(table.CASES, "heads-unpadded.classify", "two_groups_of_two-mlm")
def test_heads_share_the_encoders_variables(case):
    root = table.load(case.artifact)
    call = case.callable_in(root)
    for mine, encoders in zip(call.variables, root.variables, strict=False):
        assert mine is encoders
    own = {"mlm": 5, None: 0}.get(case.head, 11 if case.artifact.name == "beam" else 2)
    assert len(call.variables) == len(root.variables) + own


@MLM_CASES
def test_optimizer_steps_reduce_the_mlm_loss_and_move_the_encoder(case):
    inputs = case.inputs()
    encoder_inputs = {name: inputs[name] for name in hub_api.ENCODER_INPUTS}
    targets = tf.gather(
        inputs[hub_api.INPUT_WORD_IDS], inputs[hub_api.MASKED_LM_POSITIONS], batch_dims=1
    )
    with table.changeable(case.artifact) as root:
        layer = hub.KerasLayer(case.callable_in(root), trainable=True)
        before = root(encoder_inputs)[hub_api.POOLED_OUTPUT]
        _train(layer, lambda training: layer(inputs, training=training)["mlm_logits"], targets)
        assert np.abs(root(encoder_inputs)[hub_api.POOLED_OUTPUT] - before).max() > 0.01


@ENCODER_CASES
@pytest.mark.stress
def test_optimizer_steps_reduce_a_classification_loss(case):
    # Wrong at first, and always equally so: an initial loss of 1.5, where guessing has 0.7.
    initializer = tf_keras.initializers.RandomNormal(stddev=0.5, seed=1)
    classifier = tf_keras.layers.Dense(2, kernel_initializer=initializer)
    with table.changeable(case.artifact) as root:
        layer = hub.KerasLayer(case.callable_in(root), trainable=True)

        def logits(training):
            return classifier(layer(case.inputs(), training=training)[hub_api.POOLED_OUTPUT])

        _train(layer, logits, tf.constant([0, 1, 1, 0]))


def _train(layer, logits, labels):
    """Trains until dropout, which cannot be seeded in a restored graph, hardly matters."""

    def loss(training):
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits(training))
        )

    optimizer = tf_keras.optimizers.legacy.Adam(0.01)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            value = loss(True)
        gradients = tape.gradient(value, layer.trainable_weights)
        pairs = zip(gradients, layer.trainable_weights, strict=True)
        used = [pair for pair in pairs if pair[0] is not None]
        assert used
        optimizer.apply_gradients(used)

    first = loss(False)
    for _ in range(STEPS):
        step()
    assert loss(False) < 0.5 * first
