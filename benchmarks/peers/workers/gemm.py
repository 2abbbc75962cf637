"""Measures the machine's rate of matrix products of the model's shapes, by TensorFlow (oneDNN)."""

import statistics
import time
from collections.abc import Mapping

import tensorflow as tf

from benchmarks.peers.workers import tensorflow_training

tensorflow_training.limit_threads()

# Rows of B=8 S=128, and the kernels of a block of ALBERT large: query, key and value in one,
# attention output, and two for the feed-forward.
_ROWS = 1024
_KERNELS = ((1024, 3072), (1024, 1024), (1024, 4096), (4096, 1024))
_REPETITIONS = 5


class Gemm:
    """Operands of the products in both dtypes."""

    def __init__(self, options: Mapping[str, str]) -> None:
        del options
        self._operands = {
            dtype.name: [
                (
                    tf.cast(tf.random.normal([_ROWS, width]), dtype),
                    tf.cast(tf.random.normal([width, columns]), dtype),
                )
                for width, columns in _KERNELS
            ]
            for dtype in (tf.float32, tf.bfloat16)
        }
        self._multiply = tf.function(
            lambda operands: [tf.matmul(left, right) for left, right in operands]
        )

    def rate(self, dtype: str) -> float:
        """Returns floating point operations per second, from the median of a few repetitions."""
        operands = self._operands[dtype]
        operations = sum(2 * _ROWS * width * columns for width, columns in _KERNELS)
        self._multiply(operands)
        seconds = []
        for _ in range(_REPETITIONS):
            start = time.perf_counter()
            self._multiply(operands)
            seconds.append(time.perf_counter() - start)
        return operations / statistics.median(seconds)


make = Gemm
