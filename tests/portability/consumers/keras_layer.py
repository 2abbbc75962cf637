"""`hub.KerasLayer` in a functional model of Keras 2, trained by `fit` under a persistent tape."""

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from tests.portability import parts
from tests.portability.consumers import hub_load

# As tensorflow_hub chooses it.
if getattr(tf.keras, "__version__", tf.__version__).startswith("3."):
    import tf_keras as keras
else:
    keras = tf.keras


class _PersistentTapeModel(keras.Model):
    def train_step(self, data):
        inputs, target = data
        with tf.GradientTape(persistent=True) as tape:
            loss = self.compiled_loss(target, self(inputs, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


def run(folder, part):
    layer, model = compiled(folder, part, model_class=_PersistentTapeModel)
    fit(model, part)
    return parts.trained({variable.name: variable.numpy() for variable in layer.variables})


def compiled(folder, part, *, model_class):
    """Returns the layer and a compiled model around it."""
    handle = part.directory(folder)
    layer = hub.KerasLayer(part.of(hub.load(handle)) if part.path else handle, trainable=True)
    if part.is_text:
        given = keras.Input((), dtype=tf.string)
    else:
        shapes = {name: array.shape[1:] for name, array in part.arrays().items()}
        given = {name: keras.Input(s, dtype=tf.int32, name=name) for name, s in shapes.items()}
    outputs = layer(given)
    model = model_class(given, outputs[part.target_output] if part.target_output else outputs)
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
