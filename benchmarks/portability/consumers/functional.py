"""A functional model around one layer, for Keras 2 and 3, and its training."""

from typing import Any

import tensorflow as tf

from benchmarks.portability import parts
from benchmarks.portability.consumers import hub_load


def compiled(keras: Any, model_class: Any, layer: Any, part: parts.Part) -> Any:
    """Returns a compiled model of one layer.

    Args:
      keras: the module of Keras 2 or 3 to which the layer belongs.
      model_class: `keras.Model` or a subclass.
      layer: computes the part.
      part: the part to train.
    """
    if part.is_text:
        given = keras.Input((), dtype="string")
    else:
        shapes = {name: array.shape[1:] for name, array in part.arrays().items()}
        given = {name: keras.Input(s, dtype="int32", name=name) for name, s in shapes.items()}
    outputs = layer(given)
    model = model_class(given, outputs[part.target_output] if part.target_output else outputs)
    model.compile(
        keras.optimizers.SGD(parts.LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if part.target_output == "mlm_logits"
        else keras.losses.MeanSquaredError(),
    )
    return model


def fit(model: Any, part: parts.Part) -> None:
    """Trains on one batch."""
    dataset = tf.data.Dataset.from_tensor_slices((hub_load.inputs(part), part.target))
    model.fit(dataset.batch(parts.B), epochs=parts.STEPS, verbose=0)
