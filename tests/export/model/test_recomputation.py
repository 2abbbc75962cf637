"""Functions whose gradient computes them again."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from export.model import albert, block, recomputation, unpadding
from tests.conformance import table
from tests.support import sampling

B, S = 3, 5
DROPOUT = dataclasses.replace(
    table.TINY, hidden_dropout_prob=0.4, attention_probs_dropout_prob=0.3, inner_group_num=2
)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], np.int32)


def _encoder(**options):
    encoder = albert.Encoder(DROPOUT, **options)
    table.randomize(encoder.variables)
    return encoder


def _inputs():
    ids = np.random.default_rng(0).integers(0, DROPOUT.vocab_size, [B, S])
    arrays = {"input_word_ids": ids, "input_mask": MASK, "input_type_ids": 0 * MASK}
    return {name: tf.constant(array, tf.int32) for name, array in arrays.items()}


@pytest.fixture
def seeded():
    """Makes operations that draw at random begin anew each time that it is called."""
    yield lambda: tf.random.set_seed(1)
    tf.random.set_seed(None)


def test_inputs_have_gradients_and_constants_none():
    spec = tf.TensorSpec([], tf.float32)
    traced = recomputation.trace_once(
        lambda inputs, constants: (inputs["x"] ** 2 * constants,),
        inputs={"x": spec},
        constants=spec,
    )
    x, factor = tf.constant(3.0), tf.constant(5.0)
    with tf.GradientTape() as tape:
        tape.watch([x, factor])
        (y,) = traced({"x": x}, factor)
    assert (y.numpy(), *tape.gradient(y, [x, factor])) == (45.0, 30.0, None)


@sampling.parametrize("attends", [False, True], sample=[True])
@sampling.parametrize("dtype", [tf.float32, tf.bfloat16], sample=[tf.float32])
def test_block_has_the_gradients_that_it_has_without_recomputation(dtype, attends):
    variables = block.variables(DROPOUT, group=0, inner=0)
    table.randomize(tf.nest.flatten(variables))
    weights = block.prepare(variables, config=DROPOUT, dtype=dtype)
    hidden = np.random.default_rng(0).standard_normal([B * S, DROPOUT.hidden_size])
    hidden = tf.cast(tf.constant(hidden), dtype)
    layout, seeds = unpadding.padded(MASK), tf.constant([[1, 2], [3, 4], [5, 6]])

    def apply(inputs, constants):
        return block.apply_with_seeds(inputs, constants, attends=attends, config=DROPOUT)

    specs = [
        tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), nest)
        for nest in ((hidden, weights), (layout, seeds))
    ]
    again = recomputation.trace_once(apply, inputs=specs[0], constants=specs[1])
    plain = tf.function(apply, autograph=False)
    found = []
    for function in (plain, again):
        with tf.GradientTape() as tape:
            tape.watch([hidden, weights])
            outputs = function((hidden, weights), (layout, seeds))
            loss = sum(tf.reduce_sum(tf.sin(tf.cast(x, tf.float32))) for x in outputs)
        found.append(tape.gradient(loss, [hidden, *tf.nest.flatten(weights)]))
    for want, got in zip(*found, strict=True):
        want, got = (tf.cast(x, tf.float32).numpy() for x in (want, got))
        limit = 1e-5 if dtype == tf.float32 else 2e-2
        np.testing.assert_allclose(got, want, atol=limit * np.abs(want).max(), rtol=0)


@pytest.mark.stress
@pytest.mark.parametrize("unpadded", [False, True])
def test_gradient_drops_what_the_forward_pass_dropped(unpadded, seeded):
    seeded()
    encoder, inputs = _encoder(recompute=True), _inputs()
    variables = encoder.variables
    generator = np.random.default_rng(1)
    directions = [
        tf.constant(generator.standard_normal(v.shape), v.dtype) for v in encoder.variables
    ]

    def loss():
        seeded()
        outputs = encoder(inputs, training=True, unpadded=unpadded)
        return tf.reduce_sum(tf.sin(outputs["sequence_output"])) + tf.reduce_sum(
            outputs["pooled_output"]
        )

    def moved(step):
        for variable, direction in zip(variables, directions, strict=True):
            variable.assign_add(step * direction)
        return loss().numpy().astype(np.float64)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, variables)
    got = sum(
        tf.reduce_sum(tf.convert_to_tensor(gradient) * direction).numpy()
        for gradient, direction in zip(gradients, directions, strict=True)
    )
    step = 1e-3
    want = (moved(step) - moved(-2 * step)) / (2 * step)
    assert abs(got - want) < 0.02 * abs(want) + 0.05
    assert loss() == loss()
