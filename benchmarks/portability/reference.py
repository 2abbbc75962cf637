"""What the pinned TensorFlow computes with `hub.load`: what every consumer is held against.

Example:
    reference.write("build/portability", parts.PARTS["encoder"])

The artifacts themselves are held against oracles in `tests/conformance/`.
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from benchmarks.portability import parts


def write(folder: str, part: parts.Part) -> None:
    """Writes the outputs of a part, and its variables after training by hand, as .npz."""
    call = part.callable_in(hub.load(part.directory(folder)))
    arrays: dict[str, Any] = parts.flat(call(_inputs(part)))
    if part.is_trained:
        arrays |= parts.trained(_train(call, part))
    os.makedirs(os.path.join(folder, "reference"), exist_ok=True)
    np.savez(path(folder, part), **arrays)


def path(folder: str, part: parts.Part) -> str:
    """Returns the path of a part's reference."""
    return os.path.join(folder, "reference", f"{part.name}.npz")


def _inputs(part: parts.Part) -> Any:
    if part.is_text:
        return tf.constant(part.arrays()[parts.SENTENCES])
    return {name: tf.constant(array) for name, array in part.arrays().items()}


def _train(call: Any, part: parts.Part) -> dict[str, np.ndarray]:
    for _ in range(parts.STEPS):
        with tf.GradientTape() as tape:
            outputs = call(_inputs(part), training=True)
            loss = _loss(outputs[part.target_output] if part.target_output else outputs, part)
        for variable, gradient in zip(
            call.variables, tape.gradient(loss, call.variables), strict=True
        ):
            if gradient is not None:
                variable.assign_sub(parts.LEARNING_RATE * tf.convert_to_tensor(gradient))
    return {variable.name: variable.numpy() for variable in call.variables}


def _loss(output: tf.Tensor, part: parts.Part) -> tf.Tensor:
    if part.target.dtype == np.int32:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(part.target, output)
        return tf.reduce_mean(losses)
    return tf.reduce_mean(tf.square(output - part.target))
