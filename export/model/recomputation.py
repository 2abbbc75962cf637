"""Functions whose gradient computes them again, instead of keeping what it needs.

Example:
    layer = recomputation.trace_once(apply, inputs=(hidden, weights), constants=(layout, seeds))
    output = layer((hidden, weights), (layout, seeds))

A SavedModel has the gradient as a function of its own (`tf.saved_model.SaveOptions` calls it an
experimental custom gradient, and saves it by default).
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from export.model import layers


def trace_once(
    function: Callable[[Any, Any], Any], *, inputs: Any, constants: Any
) -> tf.types.experimental.ConcreteFunction:
    """Traces a function, and its gradient, once for all callers.

    Args:
      function: takes `inputs` and `constants`, and returns tensors of floats. The same arguments
        must give the same results: what it draws at random comes from seeds among the constants.
      inputs: specs of the tensors that get a gradient, in any structure.
      constants: specs of those that get none.
    """
    outputs = layers.trace_once(function, inputs, constants).structured_outputs
    specs = [tf.TensorSpec(output.shape, output.dtype) for output in tf.nest.flatten(outputs)]

    def again(inputs: Any, constants: Any, gradients: Any) -> Any:
        # Only once the gradients are there; otherwise TensorFlow would compute it at once, or take
        # the results of the forward pass, which would be kept for that.
        with tf.control_dependencies(gradients):
            inputs = tf.nest.map_structure(tf.identity, inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(inputs, constants)
        return tape.gradient(outputs, inputs, tf.nest.pack_sequence_as(outputs, gradients))

    gradient = layers.trace_once(again, inputs, constants, specs)

    @tf.custom_gradient
    def apply(inputs: Any, constants: Any) -> Any:
        def backward(*gradients: tf.Tensor) -> list[tf.Tensor | None]:
            of_inputs = tf.nest.flatten(gradient(inputs, constants, list(gradients)))
            return [*of_inputs, *[None for _ in tf.nest.flatten(constants)]]

        return function(inputs, constants), backward

    return layers.trace_once(apply, inputs, constants)
