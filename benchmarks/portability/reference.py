"""Computes the reference of all consumers, by `hub.load` in the pinned TensorFlow.

Example:
    reference.write("build/portability", parts.PARTS["encoder"])

`tests/conformance/` compares the artifacts themselves with independent oracles.
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

from benchmarks.portability import parts
from benchmarks.portability.consumers import hub_load


def write(folder: str, part: parts.Part) -> None:
    """Writes the outputs of a part, and its variables after training, as .npz."""
    call = part.callable_in(hub.load(part.directory(folder)))
    inputs, target = hub_load.inputs(part), tf.constant(part.target)
    arrays: dict[str, Any] = parts.flat(call(inputs))
    if part.is_trained:
        for _ in range(parts.STEPS):
            train_step(call, part, inputs, target)
        arrays |= parts.trained({variable.name: variable.numpy() for variable in call.variables})
    os.makedirs(os.path.join(folder, "reference"), exist_ok=True)
    np.savez(part.reference(folder), **arrays)


def train_step(call: Any, part: parts.Part, inputs: Any, target: tf.Tensor) -> None:
    """Updates the variables of a part's callable by one step of gradient descent."""
    with tf.GradientTape() as tape:
        outputs = call(inputs, training=True)
        value = loss(outputs[part.target_output] if part.target_output else outputs, target)
    gradients = tape.gradient(value, call.variables)
    for variable, gradient in zip(call.variables, gradients, strict=True):
        if gradient is not None:
            variable.assign_sub(parts.LEARNING_RATE * tf.convert_to_tensor(gradient))


def loss(output: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns the mean loss of classes, or of vectors."""
    if target.dtype == tf.int32:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, output)
    else:
        losses = tf.square(output - target)
    return tf.reduce_mean(losses)
