"""`tf.distribute.MirroredStrategy` over two logical CPUs: loaded in its scope, trained by `fit`."""

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.portability import parts
from benchmarks.portability.consumers import functional, keras_layer

(_cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(_cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with strategy.scope():
        layer, model = keras_layer.compiled(folder, part, model_class=keras_layer.keras.Model)
    functional.fit(model, part)
    return parts.trained({variable.name: in_step(variable) for variable in layer.variables})


def in_step(variable: Any) -> np.ndarray:
    """Returns the value of a variable, which must be the same in both replicas."""
    first, *others = (replica.numpy() for replica in variable.values)
    if len(others) != 1 or not np.array_equal(first, others[0]):
        raise ValueError(f"the replicas of {variable.name} differ")
    return first
