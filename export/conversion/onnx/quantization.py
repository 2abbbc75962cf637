"""The forms that weights have in an ONNX graph: float32, float16, or two of int8.

Example:
    weights = quantization.FORMS["int8"](graph)
    rows = weights.dense(rows, kernel, bias, name="pooler_transform")

int8 is dynamic: the rows are quantized while the graph runs, in the form that ONNX Runtime fuses
(DynamicQuantizeLinear, MatMulInteger, and the scales). Kernels have a scale for each output
channel, embeddings one for each row. In the form int8_weights weights alone are in 8 bits, and are
widened in the graph; OpenVINO keeps them in 8 bits and chooses how it multiplies.
"""

from collections.abc import Callable

import numpy as np

from export.conversion.onnx.graph_builder import GraphBuilder

# 7 of the 8 bits ("reduce_range"): without VNNI, x86 adds two products of 8 bits in 16 bits, which
# saturate.
_REDUCED_LIMIT = 63
_LIMIT = 127


class Float32:
    """Weights as they are."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph

    def dense(self, rows: str, kernel: np.ndarray, bias: np.ndarray, *, name: str) -> str:
        """Returns rows [T, inputs] @ kernel [inputs, outputs] + bias [outputs]."""
        stored = self._stored(kernel, f"{name}/kernel", axis=0)
        return self._graph.add("Gemm", rows, stored, self._graph.constant(bias, f"{name}/bias"))

    def embed(self, ids: str, table: np.ndarray, *, name: str) -> str:
        """Returns the rows of a table [V, E] at ids [...], [..., E]."""
        return self._graph.add("Gather", self._stored(table, name, axis=1), ids)

    def scores(self, rows: str, table: np.ndarray, bias: np.ndarray, *, name: str) -> str:
        """Returns rows [T, E] @ transposed table [V, E] + bias [V], with the table of `embed`."""
        bias_name = self._graph.constant(bias, f"{name}/bias_of_scores")
        stored = self._stored(table, name, axis=1)
        return self._graph.add("Gemm", rows, stored, bias_name, transB=1)

    def _stored(self, weight: np.ndarray, name: str, *, axis: int) -> str:
        """Returns a matrix in float32; `axis` is the one that quantization reduces."""
        return self._graph.constant(weight, name)


class Float16(Float32):
    """Weights stored in float16; the runtime widens them once, when it loads the graph."""

    def __init__(self, graph: GraphBuilder) -> None:
        super().__init__(graph)
        self._widened: dict[str, str] = {}

    def _stored(self, weight: np.ndarray, name: str, *, axis: int) -> str:
        if name not in self._widened:
            stored = self._graph.constant(weight.astype(np.float16), name)
            self._widened[name] = self._graph.cast(stored, np.float32)
        return self._widened[name]


class Int8Weights(Float32):
    """Kernels and embeddings stored in int8, and widened in the graph."""

    def __init__(self, graph: GraphBuilder) -> None:
        super().__init__(graph)
        self._widened: dict[str, str] = {}

    def _stored(self, weight: np.ndarray, name: str, *, axis: int) -> str:
        if name not in self._widened:
            values, scales = quantized(weight, axis=axis, limit=_LIMIT)
            stored = self._graph.cast(self._graph.constant(values, name), np.float32)
            scale = self._graph.constant(scales, f"{name}_scales")
            self._widened[name] = self._graph.add("Mul", stored, scale)
        return self._widened[name]


class Int8(Float32):
    """Kernels and embeddings in int8; what is computed between them is float32."""

    def __init__(self, graph: GraphBuilder) -> None:
        super().__init__(graph)
        self._made: dict[str, tuple[str, str]] = {}

    def dense(self, rows: str, kernel: np.ndarray, bias: np.ndarray, *, name: str) -> str:
        """Returns rows [T, inputs] @ kernel [inputs, outputs] + bias [outputs]."""
        products = self._multiply(rows, *self._quantized(kernel, f"{name}/kernel", axis=0))
        return self._graph.add("Add", products, self._graph.constant(bias, f"{name}/bias"))

    def embed(self, ids: str, table: np.ndarray, *, name: str) -> str:
        """Returns the rows of a table [V, E] at ids [...], [..., E]."""
        values, scales = self._quantized(table, name, axis=1)
        graph = self._graph
        found = graph.cast(graph.add("Gather", values, ids), np.float32)
        scale = graph.add("Unsqueeze", graph.add("Gather", scales, ids), np.array([-1]))
        return graph.add("Mul", found, scale)

    def scores(self, rows: str, table: np.ndarray, bias: np.ndarray, *, name: str) -> str:
        """Returns rows [T, E] @ transposed table [V, E] + bias [V], with the table of `embed`."""
        values, scales = self._quantized(table, name, axis=1)
        transposed = self._graph.add("Transpose", values, perm=[1, 0])
        products = self._multiply(rows, transposed, scales)
        return self._graph.add(
            "Add", products, self._graph.constant(bias, f"{name}/bias_of_scores")
        )

    def _quantized(self, weight: np.ndarray, name: str, *, axis: int) -> tuple[str, str]:
        """Returns a matrix in int8, and the scales of its columns, or of its rows with axis 1."""
        if name not in self._made:
            values, scales = quantized(weight, axis=axis, limit=_REDUCED_LIMIT)
            self._made[name] = (
                self._graph.constant(values, name),
                self._graph.constant(scales.reshape(-1), f"{name}_scales"),
            )
        return self._made[name]

    def _multiply(self, rows: str, kernel: str, scales: str) -> str:
        graph = self._graph
        quantized, scale, zero = graph.add_many("DynamicQuantizeLinear", rows, count=3)
        products = graph.add("MatMulInteger", quantized, kernel, zero)
        factors = graph.add("Mul", scale, scales)
        return graph.add("Mul", graph.cast(products, np.float32), factors)


def quantized(weight: np.ndarray, *, axis: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns a matrix in int8, and scales float32 whose size is 1 in `axis`.

    Args:
      weight: the matrix.
      axis: 0 for a scale for each column, 1 for each row.
      limit: the largest magnitude of a value.
    """
    largest = np.abs(weight).max(axis=axis, keepdims=True)
    scales = np.where(largest > 0, largest / limit, 1).astype(np.float32)
    return np.rint(weight / scales).astype(np.int8), scales


FORMS: dict[str, Callable[[GraphBuilder], Float32]] = {
    "none": Float32,
    "float16": Float16,
    "int8": Int8,
    "int8_weights": Int8Weights,
}
