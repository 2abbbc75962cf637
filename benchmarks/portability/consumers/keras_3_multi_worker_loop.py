"""`export.keras3.SavedModelLayer` under `MultiWorkerMirroredStrategy`, in a loop without `fit`."""

from benchmarks.portability import parts
from benchmarks.portability.consumers import keras_3, multi_worker_loop


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with multi_worker_loop.strategy.scope():
        layer, model = keras_3.compiled(folder, part)
        model.optimizer.build(model.trainable_variables)
    multi_worker_loop.train(model, part)
    return parts.trained({weight.name: weight.value.numpy() for weight in layer.weights})
