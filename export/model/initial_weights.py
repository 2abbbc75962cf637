"""Deterministic random weights, for exports without a checkpoint.

Example:
    initial_weights.fill(variables, initializer_range=0.02, seed=0)
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# Elements drawn at a time: bounds the memory beside the variables.
_CHUNK = 1 << 22


def fill(variables: Sequence[tf.Variable], *, initializer_range: float, seed: int) -> None:
    """Assigns every variable as google-research/albert initialises it (modeling.py).

    Matrices are truncated normal with standard deviation `initializer_range`, gammas are one,
    biases and betas zero. From a NumPy `Generator`, never TensorFlow's global seed: one that is set
    while tracing would fix the dropout of the artifact (the same units in all layers).
    """
    generator = np.random.default_rng(seed)
    for variable in variables:
        name = variable.name.split(":")[0].rsplit("/", 1)[-1]
        if name in ("kernel", "embeddings"):
            value = _truncated_normal(generator, variable.shape.as_list()) * initializer_range
        elif name == "gamma":
            value = np.ones(variable.shape, np.float32)
        else:  # bias, beta
            value = np.zeros(variable.shape, np.float32)
        variable.assign(value)


def _truncated_normal(generator: np.random.Generator, shape: list[int]) -> np.ndarray:
    """Returns float32 samples of the normal distribution, redrawn until within two deviations."""
    values = np.empty(shape, np.float32)
    flat = values.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        chunk = flat[start : start + _CHUNK]
        generator.standard_normal(dtype=np.float32, out=chunk)
        while (outside := np.flatnonzero(np.abs(chunk) > 2)).size:
            chunk[outside] = generator.standard_normal(outside.size, dtype=np.float32)
    return values
