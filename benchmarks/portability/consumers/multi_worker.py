"""`tf.distribute.MultiWorkerMirroredStrategy` over two processes, `hub.KerasLayer` and `fit`."""

import tensorflow as tf

from benchmarks.portability import parts
from benchmarks.portability.consumers import functional, keras_layer, two_workers

two_workers.join()
strategy = tf.distribute.MultiWorkerMirroredStrategy()


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with strategy.scope():
        layer, model = keras_layer.compiled(folder, part, model_class=keras_layer.keras.Model)
    functional.fit(model, part)
    return parts.trained({variable.name: variable.numpy() for variable in layer.variables})
