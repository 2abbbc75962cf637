"""`export.keras3.SavedModelLayer`, called and then trained by `fit` in a functional model."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from benchmarks.portability import parts
from benchmarks.portability.consumers import functional, hub_load
from export import keras3


def run(folder: str, part: parts.Part) -> parts.Arrays:
    if not part.is_trained:
        layer = keras3.SavedModelLayer(part.directory(folder))
        dataset = tf.data.Dataset.from_tensors(hub_load.inputs(part)).map(layer)
        return parts.flat(next(iter(dataset)))
    layer, model = compiled(folder, part)
    outputs = parts.flat(layer(hub_load.inputs(part)))
    functional.fit(model, part)
    return outputs | parts.trained({weight.name: weight.numpy() for weight in layer.weights})


def compiled(folder: str, part: parts.Part) -> tuple[Any, Any]:
    """Returns the layer and a compiled model around it."""
    layer = keras3.SavedModelLayer(
        part.directory(folder), callable=part.path or None, trainable=True
    )
    return layer, functional.compiled(keras, keras.Model, layer, part)
