"""The training step of all engines on TensorFlow, as users write it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from benchmarks.peers.workers import model


def limit_threads() -> None:
    """Limits TensorFlow to two threads. Call it before TensorFlow runs an op."""
    tf.config.threading.set_intra_op_parallelism_threads(model.NUM_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(model.NUM_THREADS)


def step(
    encode: Callable[[Any], tf.Tensor], *, variables: Sequence[Any], inputs: Mapping[str, tf.Tensor]
) -> model.Call:
    """Returns a function that does a step of gradient descent.

    Args:
      encode: computes `pooled_output` [B, H], whose mean square is the loss.
      variables: the variables to update.
      inputs: int32 [B, S] by name.
    """

    @tf.function
    def train(batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.cast(encode(batch), tf.float32)))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            if gradient is not None:
                step_size = model.LEARNING_RATE * tf.convert_to_tensor(gradient)
                variable.assign_sub(tf.cast(step_size, variable.dtype))
        return loss

    return lambda: train(inputs).numpy()
