"""Assertions in ONNX graphs, for which the standard has no operator.

Example:
    zero = assertions.require_none(graph, assertions.outside(graph, ids, np.int32(30000)))
    ids = assertions.behind(graph, zero, ids, shape)

ONNX Runtime refuses indices outside a table, OpenVINO returns something for them. Both refuse to
scatter to an index that there is not, and each time: after a reshape that has failed once,
OpenVINO 2026.4 lets the next one pass.

The zero is added to a shape, because OpenVINO infers shapes ahead of what it computes. After an
error, nodes that have got a shape but have not run keep it, and a later call fails or is wrong.
Nodes behind a computed shape get theirs once nothing was wrong.
"""

import functools

import numpy as np

from export.conversion.onnx.graph_builder import GraphBuilder


def require_none(graph: GraphBuilder, *counts: str) -> str:
    """Returns 0 as int64 [1]; a runtime fails if a count, int64 [], is not 0."""
    total = functools.reduce(functools.partial(graph.add, "Add"), counts)
    zeros = np.zeros(1, np.int64)
    return graph.add("ScatterElements", zeros, graph.reshape(total, 1), zeros, axis=0)


def behind(graph: GraphBuilder, zero: str, value: str, shape: str) -> str:
    """Returns a value of a shape, int64 [n], for whose readers `zero` is computed first."""
    return graph.add("Reshape", value, graph.add("Add", shape, zero), allowzero=1)


def outside(graph: GraphBuilder, ids: str, limit: np.int32 | str) -> str:
    """Returns how many int32 ids [...] are not from 0 to below the limit, int32."""
    is_good = graph.add(
        "And", graph.add("Less", np.int32(-1), ids), graph.add("Less", ids, limit)
    )  # [...]
    return _number(graph, graph.add("Not", is_good))


def other_sizes(graph: GraphBuilder, value: str, shape: str) -> str:
    """Returns how many dimensions of a tensor are not those of a shape, int64 [n]."""
    return _number(graph, graph.add("Not", graph.add("Equal", graph.dimensions(value), shape)))


def longer(graph: GraphBuilder, length: str, limit: int) -> str:
    """Returns 1 if a length, int64 [1], is above the limit, and 0 otherwise."""
    return _number(graph, graph.add("Greater", length, np.int64(limit)))


def _number(graph: GraphBuilder, is_bad: str) -> str:
    return graph.add("ReduceSum", graph.cast(is_bad, np.int64), keepdims=0)
