"""Writes ONNX graphs: names nodes, stores each constant once, and checks the model.

Example:
    graph = graph_builder.GraphBuilder({"ids": ["batch", "length"]})
    total = graph.add("Add", "ids", np.int32(1))  # the name of a tensor
    model = graph.model({"total": (total, np.int32, ["batch", "length"])}, name="add")

A tensor is its name, a string. Arrays become initializers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

import configs

# The first with Gelu. Tried with ONNX Runtime 1.32 and OpenVINO 2026.4.
OPSET = 20
_IR_VERSION = 9  # that of opset 20
# The operators of onnxruntime-extensions.
EXTENSIONS = "ai.onnx.contrib"
_SMALL = 16  # elements of constants that are merged if they are equal

# A name of a tensor, or an array.
Value = str | np.ndarray | np.generic
Output = tuple[str, type[np.generic], Sequence[str | int]]


class GraphBuilder:
    """A graph that is being written.

    Attributes:
      inputs: the names of its inputs, by themselves.
    """

    def __init__(
        self, inputs: Mapping[str, Sequence[str | int]], *, dtype: type[np.generic] = np.int32
    ) -> None:
        """Begins a graph.

        Args:
          inputs: the names of the dimensions of each input, or their sizes, by its name.
          dtype: of the inputs.
        """
        self.inputs = {name: name for name in inputs}
        self._inputs = [_info(name, dtype, shape) for name, shape in inputs.items()]
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}

    def add(self, op_type: str, *inputs: Value, **attributes: Any) -> str:
        """Adds a node with one output; returns the output's name."""
        return self.add_many(op_type, *inputs, count=1, **attributes)[0]

    def add_many(self, op_type: str, *inputs: Value, count: int, **attributes: Any) -> list[str]:
        """Adds a node; returns the names of its `count` outputs."""
        number = len(self._nodes)
        outputs = [f"{op_type}_{number}_{i}" for i in range(count)]
        names = [self.constant(value) for value in inputs]
        self._nodes.append(
            helper.make_node(op_type, names, outputs, f"{op_type}_{number}", **attributes)
        )
        return outputs

    def constant(self, value: Value, name: str | None = None) -> str:
        """Returns the name of a constant; that of a name is itself.

        Args:
          value: an array; small ones that are equal are stored once.
          name: of the initializer, which is then stored once; None for one that is made up.
        """
        if isinstance(value, str):
            return value
        array = np.asarray(value)
        if name is None and array.size <= _SMALL:
            shape = "x".join(map(str, array.shape))
            name = f"{array.dtype}_{shape}_{array.tobytes().hex()}"
        name = name or f"constant_{len(self._initializers)}"
        if name not in self._initializers:
            stored = np.ascontiguousarray(array).reshape(array.shape)
            if stored.dtype.kind == "U":
                stored = stored.astype(object)
            self._initializers[name] = numpy_helper.from_array(stored, name)
        return name

    def reshape(self, value: str, *dimensions: int | str) -> str:
        """Returns a tensor in another shape.

        Args:
          value: the tensor.
          *dimensions: numbers, -1 for what is left, or names of int64 tensors [1].
        """
        return self.add("Reshape", value, self.shape(*dimensions))

    def shape(self, *dimensions: int | str) -> str:
        """Returns int64 [n] of numbers and names of int64 tensors, which are vectors."""
        if not any(isinstance(one, str) for one in dimensions):
            return self.constant(np.array(dimensions, np.int64))
        parts: list[Value] = [
            np.array([one], np.int64) if isinstance(one, int) else one for one in dimensions
        ]
        return self.constant(parts[0]) if len(parts) == 1 else self.add("Concat", *parts, axis=0)

    def dimensions(self, value: str, start: int = 0, end: int | None = None) -> str:
        """Returns the dimensions `start` to `end` of a tensor, int64 [end - start]."""
        bounds = {"start": start} | ({} if end is None else {"end": end})
        return self.add("Shape", value, **bounds)

    def full(self, shape: str, value: np.generic) -> str:
        """Returns a tensor of a shape, int64 [n], full of a value."""
        return self.add("ConstantOfShape", shape, value=numpy_helper.from_array(np.array([value])))

    def cast(self, value: Value, dtype: type[np.generic]) -> str:
        """Returns a tensor in another type."""
        return self.add("Cast", value, to=_type(dtype))

    def subgraph(
        self, inputs: Sequence[Output], outputs: Mapping[str, Output], nodes_from: int
    ) -> Any:
        """Takes the nodes from number `nodes_from` out of the graph, as the body of a loop."""
        nodes, self._nodes = self._nodes[nodes_from:], self._nodes[:nodes_from]
        nodes += [
            helper.make_node("Identity", [of], [name]) for name, (of, _, _) in outputs.items()
        ]
        return helper.make_graph(
            nodes,
            "body",
            [_info(*one) for one in inputs],
            [_info(name, dtype, shape) for name, (_, dtype, shape) in outputs.items()],
        )

    @property
    def count(self) -> int:
        """The number of nodes."""
        return len(self._nodes)

    def model(self, outputs: Mapping[str, Output], *, name: str) -> Any:
        """Returns the model.

        Args:
          outputs: for each name the tensor that it is of, its type and its dimensions.
          name: of the graph.

        Raises:
          onnx.checker.ValidationError: the graph is not valid; a bug.
        """
        nodes = self._nodes + [
            helper.make_node("Identity", [of], [output], f"Identity_{output}")
            for output, (of, _, _) in outputs.items()
        ]
        graph = helper.make_graph(
            nodes,
            name,
            self._inputs,
            [_info(output, dtype, shape) for output, (_, dtype, shape) in outputs.items()],
            list(self._initializers.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", OPSET),
                *([helper.make_opsetid(EXTENSIONS, 1)] if self._has_extensions() else []),
            ],
            ir_version=_IR_VERSION,
            producer_name="albert-hub-export",
            producer_version=configs.__version__,
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _has_extensions(self) -> bool:
        return any(node.domain == EXTENSIONS for node in self._nodes)


def _info(name: str, dtype: type[np.generic], shape: Sequence[str | int]) -> Any:
    return helper.make_tensor_value_info(name, _type(dtype), shape)


def _type(dtype: type[np.generic]) -> int:
    if dtype is np.str_:
        return int(onnx.TensorProto.STRING)
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
