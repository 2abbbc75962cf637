"""Checks values while a graph runs.

Example:
    with tf.control_dependencies([graph_checks.check(n >= 3, "n must be at least 3, got", n)]):
        n = tf.identity(n)
"""

from typing import Any

import tensorflow as tf


def check(condition: tf.Tensor, *message: Any) -> tf.Operation | None:
    """Returns an op that raises `tf.errors.InvalidArgumentError` where the condition is false.

    It is one operation; `tf.debugging` would make a conditional with two functions. Make it a
    control dependency of the operations that must not see bad values.

    Args:
      condition: bool scalar.
      *message: strings and tensors; the error shows them in this order.
    """
    data = [tf.convert_to_tensor(item) for item in message]
    return tf.raw_ops.Assert(condition=condition, data=data, summarize=10)
