"""`export.keras3.SavedModelLayer`, called and then trained by `fit` in a functional model."""

import keras
import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from export import keras3
from tests.portability import parts
from tests.portability.consumers import hub_load


def run(folder, part):
    if not part.is_trained:
        layer = keras3.SavedModelLayer(part.directory(folder))
        dataset = tf.data.Dataset.from_tensors(hub_load.inputs(part)).map(layer)
        return parts.flat(next(iter(dataset)))
    layer, model = compiled(folder, part)
    outputs = parts.flat(layer(hub_load.inputs(part)))
    fit(model, part)
    return outputs | parts.trained({weight.name: weight.numpy() for weight in layer.weights})


def compiled(folder, part):
    """Returns the layer and a compiled model around it."""
    layer = keras3.SavedModelLayer(
        part.directory(folder), callable=part.path or None, trainable=True
    )
    if part.is_text:
        given = keras.Input((), dtype="string")
    else:
        shapes = {name: array.shape[1:] for name, array in part.arrays().items()}
        given = {name: keras.Input(s, dtype="int32", name=name) for name, s in shapes.items()}
    outputs = layer(given)
    model = keras.Model(given, outputs[part.target_output] if part.target_output else outputs)
    model.compile(
        keras.optimizers.SGD(parts.LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if part.target_output == "mlm_logits"
        else keras.losses.MeanSquaredError(),
    )
    return layer, model


def fit(model, part):
    """Trains on the one batch."""
    dataset = tf.data.Dataset.from_tensor_slices((hub_load.inputs(part), part.target))
    model.fit(dataset.batch(parts.B), epochs=parts.STEPS, verbose=0)
