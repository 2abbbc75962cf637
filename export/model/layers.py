"""Layers of a Transformer: weights as named tuples, and functions of tensors and weights.

Example:
    kernel_and_bias = layers.dense_weights("pooler_transform", [1024], [1024])
    y = layers.dense(x, kernel_and_bias)

A `tf.function` can take named tuples, and thus the weights of a whole block, as arguments.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from configs import albert_config

_ACTIVATIONS = {
    # oneDNN fuses this op with the product and the bias before it.
    albert_config.GELU_TANH: lambda x: tf.nn.gelu(x, approximate=True),
    albert_config.GELU_ERF: lambda x: tf.nn.gelu(x, approximate=False),
    "relu": tf.nn.relu,
    "tanh": tf.nn.tanh,
    "linear": tf.identity,
}


class Dense(NamedTuple):
    """Weights of `x @ kernel + bias`."""

    kernel: tf.Variable
    bias: tf.Variable


class LayerNorm(NamedTuple):
    """Scale and offset of a layer normalisation."""

    gamma: tf.Variable
    beta: tf.Variable


def variable(name: str, shape: list[int]) -> tf.Variable:
    """Returns a trainable float32 variable of zeros."""
    return tf.Variable(tf.zeros(shape), name=name)


def dense_weights(scope: str, inputs: list[int], outputs: list[int]) -> Dense:
    """Returns `Dense` variables with kernel [*inputs, *outputs] and bias [*outputs]."""
    return Dense(variable(f"{scope}/kernel", inputs + outputs), variable(f"{scope}/bias", outputs))


def layer_norm_weights(scope: str, size: int) -> LayerNorm:
    """Returns `LayerNorm` variables of shape [size]."""
    return LayerNorm(variable(f"{scope}/gamma", [size]), variable(f"{scope}/beta", [size]))


def trace_once(function: Callable[..., Any], *specs: Any) -> tf.types.experimental.ConcreteFunction:
    """Traces a function once for all its callers.

    Returns a concrete function, because a `tf.function` is traced again on its first call and on
    saving.
    """
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def dense(x: tf.Tensor, weights: Dense) -> tf.Tensor:
    """Returns x @ kernel + bias for x [rows, inputs], in ops that the CPU kernels fuse."""
    return tf.nn.bias_add(tf.matmul(x, weights.kernel), weights.bias)


def layer_norm(x: tf.Tensor, weights: LayerNorm, eps: float) -> tf.Tensor:
    """Normalises the last axis in float32; returns the dtype of x."""
    values = tf.cast(x, tf.float32)
    # `tf.nn.moments` stops the gradient of the mean, which makes second-order gradients wrong. The
    # axis is a list because OpenVINO's reader refuses a scalar.
    centered = values - tf.reduce_mean(values, [-1], keepdims=True)
    variance = tf.reduce_mean(tf.square(centered), [-1], keepdims=True)
    normed = centered * tf.math.rsqrt(variance + eps) * weights.gamma + weights.beta
    return tf.cast(normed, x.dtype)


def cast(weights: Any, dtype: tf.DType) -> Any:
    """Returns the values of a tuple of weights in `dtype`."""
    # Converted first, because a cast to a variable's own dtype returns the variable itself.
    return tf.nest.map_structure(
        lambda weight: tf.cast(tf.convert_to_tensor(weight), dtype), weights
    )


def activate(x: tf.Tensor, hidden_act: str, *, training: bool) -> tf.Tensor:
    """Returns the activation `hidden_act`, one of `albert_config.HIDDEN_ACTS`, of x."""
    if training and hidden_act == albert_config.GELU_TANH:
        return _gelu_tanh_in_few_tensors(x)
    return _ACTIVATIONS[hidden_act](x)


def _gelu_tanh_in_few_tensors(x: tf.Tensor) -> tf.Tensor:
    """Returns gelu's tanh form, of which the gradient needs four tensors instead of seven.

    (1 + tanh(z)) / 2 = sigmoid(2z). The four are x, its cube, the sigmoid and the result.
    """
    scale = 2 * math.sqrt(2 / math.pi)
    return x * tf.sigmoid(scale * x + scale * 0.044715 * tf.pow(x, 3))


def dropout(
    x: tf.Tensor, rate: float, training: bool, *, seed: tf.Tensor | None = None
) -> tf.Tensor:
    """Drops elements with probability `rate` when training.

    With a seed, int32 [2], the same elements each time; without one, other ones each time.
    """
    if not training or not rate:
        return x
    if seed is None:
        return tf.nn.dropout(x, rate)
    return tf.nn.experimental.stateless_dropout(x, rate, seed)


def check_range(ids: tf.Tensor, limit: int, name: str, meaning: str) -> tf.Operation:
    """Returns an op that fails unless all `ids` are in [0, limit)."""
    in_range = tf.reduce_all((ids >= 0) & (ids < limit))
    message = f"{name} must be at least 0 and below {limit}, {meaning}; got up to"
    return tf.debugging.Assert(
        in_range, [message, tf.reduce_max(ids), "and down to", tf.reduce_min(ids)]
    )
