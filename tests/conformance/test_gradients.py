"""Gradients through restored artifacts: right, complete, and the same however they are asked."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from tests.conformance import table

LARGEST_CASES = pytest.mark.parametrize("case", table.LARGEST_CASES, ids=str)
STRUCTURES = pytest.mark.parametrize("case", table.STRUCTURES, ids=str)

# Relative to the largest element of a gradient: the same sums, in another order.
_SAME_RTOL = {"float32": 1e-4, "bfloat16": 0.1}
# XLA's gradients in bfloat16 differ from float32's by up to 0.117 (padded) and 0.126 (unpadded),
# the kernels' by up to 0.070; from each other, unpadded, by 0.106.
_XLA_UNPADDED_BFLOAT16_RTOL = 0.12


def _dense(gradients):
    """Returns gradients as arrays; those of embeddings come as indices and rows."""
    return [None if g is None else tf.convert_to_tensor(g).numpy() for g in gradients]


@functools.cache
def _single_gradients(case):
    """Returns, by loss, the gradients that one ordinary tape a loss gives."""
    call = table.shared(case)
    inputs = case.inputs()
    gradients = {}
    for loss in case.losses(call(inputs)):
        with tf.GradientTape() as tape:
            value = case.losses(call(inputs, training=False))[loss]
        gradients[loss] = _dense(tape.gradient(value, call.trainable_variables))
    return gradients


def _persistent_gradients(case, call, variables):
    """Returns the gradients of every loss from one persistent tape."""
    with tf.GradientTape(persistent=True) as tape:
        losses = case.losses(call(case.inputs(), training=False))
    gradients = {name: tape.gradient(loss, variables) for name, loss in losses.items()}
    return gradients, tape.gradient(losses["first_layer"], variables)


def _assert_same(case, gradients, expected, rtol=None):
    assert set(gradients) == set(expected)
    variables = table.shared(case).trainable_variables
    rtol = rtol or _SAME_RTOL[case.artifact.compute_dtype]
    for loss, wanted in expected.items():
        for variable, got, want in zip(variables, _dense(gradients[loss]), wanted, strict=True):
            name = table.name_of(variable)
            if case.depends(loss, name):
                assert got is not None and want is not None, (loss, name)
            got, want = (np.zeros(variable.shape) if g is None else g for g in (got, want))
            # The gradient of a key's bias is zero but for rounding: softmax cancels it.
            limit = rtol * max(np.abs(want).max(), 1.0)
            np.testing.assert_allclose(got, want, atol=limit, rtol=0, err_msg=f"{loss} {name}")


def _assert_persistent(case, gradients, again):
    """The gradients are an ordinary tape's, and those of a loss asked for again the same."""
    expected = _single_gradients(case)
    _assert_same(case, gradients, expected)
    _assert_same(case, {"first_layer": again}, {"first_layer": expected["first_layer"]})


@LARGEST_CASES
def test_gradients_equal_finite_differences_of_the_oracle(case):
    call = table.shared(case)
    tensors = table.tensors(call)
    generator = np.random.default_rng(1)
    step = 1e-5
    for index, variable in enumerate(call.trainable_variables):
        name = table.name_of(variable)
        direction = generator.standard_normal(variable.shape)
        losses = [
            case.losses(case.expected(tensors | {name: tensors[name] + sign * step * direction}))
            for sign in (1, -1)
        ]
        for loss, gradients in _single_gradients(case).items():
            want = (losses[0][loss] - losses[1][loss]) / (2 * step)
            if not case.depends(loss, name):
                assert want == 0, (loss, name)
                continue
            got = gradients[index]
            assert got is not None, (loss, name)
            scale = np.linalg.norm(got) + 1.0
            difference = abs(np.sum(got * direction) - want)
            assert difference <= case.artifact.gradient_rtol * scale, (loss, name, want)


@STRUCTURES
def test_persistent_tape_gives_the_same_gradients_in_eager_mode(case):
    call = table.shared(case)
    gradients, again = _persistent_gradients(case, call, call.trainable_variables)
    _assert_persistent(case, gradients, again)


@STRUCTURES
def test_persistent_tape_gives_the_same_gradients_in_a_tf_function(case):
    call = table.shared(case)
    function = tf.function(lambda: _persistent_gradients(case, call, call.trainable_variables))
    gradients, again = function()
    _assert_persistent(case, gradients, again)


@STRUCTURES
def test_persistent_tape_gives_the_same_gradients_through_keras_layer(case):
    layer = hub.KerasLayer(table.shared(case), trainable=True)
    gradients, again = _persistent_gradients(case, layer, layer.trainable_weights)
    _assert_persistent(case, gradients, again)


@STRUCTURES
def test_gradients_are_the_same_compiled_by_xla(case):
    call = table.shared(case)

    @tf.function(jit_compile=True)
    def function():
        with tf.GradientTape() as tape:
            loss = sum(case.losses(call(case.inputs(), training=False)).values())
        return tape.gradient(loss, call.trainable_variables)

    single = list(_single_gradients(case).values())
    expected = [
        np.sum([g for g in gradients if g is not None], axis=0)
        for gradients in zip(*single, strict=True)
    ]
    is_exception = case.is_unpadded and case.artifact.compute_dtype == "bfloat16"
    rtol = _XLA_UNPADDED_BFLOAT16_RTOL if is_exception else None
    _assert_same(case, {"sum": function()}, {"sum": expected}, rtol)


@STRUCTURES
def test_second_order_gradients_equal_finite_differences_of_the_oracle(case):
    """In the direction of a random vector v over all variables, v'Hv of the first loss."""
    call = table.shared(case)
    variables = call.trainable_variables
    generator = np.random.default_rng(2)
    # Short: the step goes through all variables at once, and third derivatives grow with it.
    directions = [0.1 * generator.standard_normal(variable.shape) for variable in variables]
    constants = [tf.constant(direction, tf.float32) for direction in directions]
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            loss = sum(case.losses(call(case.inputs(), training=False)).values())
        gradients = inner.gradient(loss, variables)
        product = tf.add_n(
            [tf.reduce_sum(g * d) for g, d in zip(gradients, constants, strict=True)]
        )
    second = _dense(outer.gradient(product, variables))
    assert all(gradient is not None for gradient in second)
    got = sum(np.sum(g * d) for g, d in zip(second, directions, strict=True))

    tensors = table.tensors(call)
    step = 1e-4
    values = []
    for sign in (1, 0, -1):
        moved = {
            table.name_of(v): tensors[table.name_of(v)] + sign * step * d
            for v, d in zip(variables, directions, strict=True)
        }
        values.append(sum(case.losses(case.expected(moved)).values()))
    want = (values[0] - 2 * values[1] + values[2]) / step**2
    size = sum(np.abs(g * d).sum() for g, d in zip(second, directions, strict=True))
    assert abs(got - want) <= 10 * case.artifact.gradient_rtol * (size + 1.0), (got, want)
