"""Deterministic random weights, for exports without a checkpoint.

Example:
    initial_weights.fill(variables, initializer_range=0.02, seed=0)
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# Elements drawn at a time, which bounds the memory used beside the variables.
_CHUNK = 1 << 22


def fill(variables: Sequence[tf.Variable], *, initializer_range: float, seed: int) -> None:
    """Initialises every variable as google-research/albert does (modeling.py).

    Matrices are truncated normal with standard deviation `initializer_range`, gammas are one,
    biases and betas zero. A NumPy `Generator` draws them, because a global seed of TensorFlow, if
    set while tracing, would make the artifact's dropout drop the same units in all layers.
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
    """Returns float32 normal samples; those beyond two deviations are drawn again."""
    values = np.empty(shape, np.float32)
    flat = values.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        chunk = flat[start : start + _CHUNK]
        generator.standard_normal(dtype=np.float32, out=chunk)
        while (outside := np.flatnonzero(np.abs(chunk) > 2)).size:
            chunk[outside] = generator.standard_normal(outside.size, dtype=np.float32)
    return values
