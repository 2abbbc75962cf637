"""`export.keras3.SavedModelLayer` under `tf.distribute.MirroredStrategy` over two logical CPUs."""

from benchmarks.portability import parts
from benchmarks.portability.consumers import functional, keras_3, mirrored_strategy


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with mirrored_strategy.strategy.scope():
        layer, model = keras_3.compiled(folder, part)
    functional.fit(model, part)
    return parts.trained(
        {weight.name: mirrored_strategy.in_step(weight.value) for weight in layer.weights}
    )
