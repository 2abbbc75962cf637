"""`export.keras3.SavedModelLayer` under `MultiWorkerMirroredStrategy`, trained by `fit`."""

from benchmarks.portability import parts
from benchmarks.portability.consumers import functional, keras_3, multi_worker


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with multi_worker.strategy.scope():
        layer, model = keras_3.compiled(folder, part)
    functional.fit(model, part)
    return parts.trained({weight.name: weight.value.numpy() for weight in layer.weights})
