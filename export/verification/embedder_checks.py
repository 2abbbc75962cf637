"""The checks of an embedder, which use it as its users do.

Example:
    check.run_checks(embedder_checks.CHECKS, module, directory)

https://www.tensorflow.org/hub/common_saved_model_apis/text (text embeddings with text inputs).
"""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from export.verification.check import Check, require

_SENTENCES = ("The cat sat on the mat.", "", "ALBERT is a lite BERT. " * 20)
# Vectors are of order 1; batches of another shape are summed in another order.
_ATOL = 1e-5


def _sentences() -> tf.Tensor:
    return tf.constant(_SENTENCES)


def _vectors(module: Any, directory: str) -> None:
    vectors = module(_sentences())
    shape = list(vectors.shape)
    require(vectors.dtype == tf.float32, f"they are {vectors.dtype.name}, not float32")
    require(len(shape) == 2 and shape[0] == len(_SENTENCES), f"they have shape {shape}")
    require(np.isfinite(vectors).all(), "they are not all finite")
    require(module(tf.constant([], tf.string)).shape[0] == 0, "zero sentences give vectors")


def _independent(module: Any, directory: str) -> None:
    together = module(_sentences())
    for index, sentence in enumerate(_SENTENCES):
        difference = np.abs(module(tf.constant([sentence]))[0] - together[index]).max()
        require(difference <= _ATOL, f"sentence {index} alone differs by {difference:.1e}")


def _trains(module: Any, directory: str) -> None:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(module(_sentences(), training=True)[:, 0])
    gradients = tape.gradient(loss, module.trainable_variables)
    require(gradients, "it has no trainable variables")
    pairs = zip(module.trainable_variables, gradients, strict=True)
    lost = [variable.name for variable, gradient in pairs if gradient is None]
    require(not lost, f"no gradient for {', '.join(lost)}")


def _serving_default(module: Any, directory: str) -> None:
    signature = module.signatures[hub_api.SERVING_DEFAULT]
    _, inputs = signature.structured_input_signature
    require(set(inputs) == {hub_api.SENTENCES}, f"its inputs are {sorted(inputs)}")
    outputs = signature(**{hub_api.SENTENCES: _sentences()})
    require(set(outputs) == {hub_api.DEFAULT}, f"its outputs are {sorted(outputs)}")
    difference = np.abs(outputs[hub_api.DEFAULT] - module(_sentences())).max()
    require(difference <= _ATOL, f"its vectors differ from the call's by {difference:.1e}")


def _keras_layer(module: Any, directory: str) -> None:
    text = tf_keras.layers.Input(shape=(), dtype=tf.string)
    vectors = hub.KerasLayer(directory, trainable=True)(text)
    require(vectors.shape[1] is not None, "the size of its vectors is not static")


CHECKS = (
    Check("it is called with strings [B] and gives float32 [B, H]", _vectors),
    Check("a vector does not depend on the other sentences of the batch", _independent),
    Check("every trainable variable gets a gradient", _trains),
    Check("signature `serving_default` is from `sentences` to `default`", _serving_default),
    Check("it works in a trainable hub.KerasLayer", _keras_layer),
)
