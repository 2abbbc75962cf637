"""`hub.KerasLayer` in a functional model of Keras 2, trained by `fit` under a persistent tape."""

from typing import Any

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from benchmarks.portability import parts
from benchmarks.portability.consumers import functional

# As tensorflow_hub chooses it.
if getattr(tf.keras, "__version__", tf.__version__).startswith("3."):
    import tf_keras as keras
else:
    keras = tf.keras


class _PersistentTapeModel(keras.Model):
    def train_step(self, data: Any) -> dict[str, Any]:
        inputs, target = data
        with tf.GradientTape(persistent=True) as tape:
            loss = self.compiled_loss(target, self(inputs, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


def run(folder: str, part: parts.Part) -> parts.Arrays:
    layer, model = compiled(folder, part, model_class=_PersistentTapeModel)
    functional.fit(model, part)
    return parts.trained({variable.name: variable.numpy() for variable in layer.variables})


def compiled(folder: str, part: parts.Part, *, model_class: Any) -> tuple[Any, Any]:
    """Returns the layer and a compiled model around it."""
    handle = part.directory(folder)
    layer = hub.KerasLayer(
        part.callable_in(hub.load(handle)) if part.path else handle, trainable=True
    )
    return layer, functional.compiled(keras, model_class, layer, part)
