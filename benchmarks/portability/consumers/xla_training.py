"""`jit_compile=True` around a training step."""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

from benchmarks.portability import parts
from benchmarks.portability.consumers import hub_load


def run(folder: str, part: parts.Part) -> parts.Arrays:
    call = part.callable_in(hub.load(part.directory(folder)))

    @tf.function(jit_compile=True)
    def step(inputs: Any, target: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            outputs = call(inputs, training=True)
            output = outputs[part.target_output] if part.target_output else outputs
            if part.target.dtype == np.int32:
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, output)
            else:
                losses = tf.square(output - target)
            loss = tf.reduce_mean(losses)
        for variable, gradient in zip(
            call.variables, tape.gradient(loss, call.variables), strict=True
        ):
            if gradient is not None:
                variable.assign_sub(parts.LEARNING_RATE * tf.convert_to_tensor(gradient))

    for _ in range(parts.STEPS):
        step(hub_load.inputs(part), tf.constant(part.target))
    return parts.trained({variable.name: variable.numpy() for variable in call.variables})
