"""`tf.distribute.MultiWorkerMirroredStrategy`, `hub.KerasLayer` and a loop without `fit`."""

from typing import Any

import tensorflow as tf

from benchmarks.portability import parts, reference
from benchmarks.portability.consumers import hub_load, keras_layer, multi_worker

strategy = multi_worker.strategy


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with strategy.scope():
        layer, model = keras_layer.compiled(folder, part, model_class=keras_layer.keras.Model)
        model.optimizer.build(model.trainable_variables)
    train(model, part)
    return parts.trained({variable.name: variable.numpy() for variable in layer.variables})


def train(model: Any, part: parts.Part) -> None:
    """Trains a compiled model, of Keras 2 or 3, on one batch, of which each worker has a half."""

    def of_replica(inputs: Any, target: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = reference.loss(model(inputs, training=True), target)
            loss /= strategy.num_replicas_in_sync
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    @tf.function
    def step(inputs: Any, target: tf.Tensor) -> None:
        strategy.run(of_replica, args=(inputs, target))

    examples = tf.data.Dataset.from_tensor_slices((hub_load.inputs(part), part.target))
    batches = examples.batch(parts.B).repeat(parts.STEPS)
    for inputs, target in strategy.experimental_distribute_dataset(batches):
        step(inputs, target)
