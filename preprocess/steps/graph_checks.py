"""Checks of values while a graph runs, with messages for users.

Example:
    with tf.control_dependencies([graph_checks.check(n >= 3, "n must be at least 3, got", n)]):
        n = tf.identity(n)
"""

from typing import Any

import tensorflow as tf


def check(condition: tf.Tensor, *message: Any) -> tf.Operation | None:
    """Raises `tf.errors.InvalidArgumentError` with the message when the condition is false.

    One operation, where `tf.debugging` makes a conditional with two functions. Nothing waits for
    it by itself: name it as a control dependency of what must not run with bad values.

    Args:
      condition: a boolean scalar.
      *message: strings and tensors, printed in turn.
    """
    data = [tf.convert_to_tensor(part) for part in message]
    return tf.raw_ops.Assert(condition=condition, data=data, summarize=10)
