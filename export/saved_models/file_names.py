"""Where the file names in a graph come from, followed through the functions of its library.

Example:
    names = file_names.FileNames(meta_graph)
    names.problem(file_names.MAIN, node)  # None if it saves where its caller said

TensorFlow writes one function that saves and one that restores into a SavedModel. `saver_def` names
the nodes of the main graph that call them, and the tensor with the file name that they pass on. No
other op that names a file is allowed, but one that fills a table from a file among the assets.
"""

import collections
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from export.saved_models import allowed_ops

SAVING, RESTORING, ASSET = "saver_def for saving", "saver_def for restoring", "an asset"

# Its inputs that are file names, and where they must come from, by op.
_OPS: Mapping[str, tuple[Sequence[int], str]] = {
    "SaveV2": ([0], SAVING),
    "MergeV2Checkpoints": ([0, 1], SAVING),
    "ShardedFilename": ([0], SAVING),
    "RestoreV2": ([0], RESTORING),
    "InitializeTableFromTextFile": ([1], ASSET),
    "InitializeTableFromTextFileV2": ([1], ASSET),
}
OPS = frozenset(_OPS)
MAIN = ""  # the body that is no function

# Their value is that of their first input, or a path that begins with it.
_PASS_ON = ("Identity", "ShardedFilename")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_USES_OF_A_VARIABLE = ("AssignVariableOp", "ReadVariableOp", "VarIsInitializedOp")
_INITIALIZER = "__saved_model_init_op"  # a signature
_ASSETS = "saved_model_assets"

# A body, a tensor in it, and the node of the body that it is for.
_Place = tuple[str, str, Any]


class FileNames:
    """The file names of one graph. Its bodies are the functions by name, and `MAIN`."""

    def __init__(self, meta_graph: Any) -> None:
        self._graph = meta_graph
        library = meta_graph.graph_def.library.function
        self._arguments = {
            f.signature.name: [a.name for a in f.signature.input_arg] for f in library
        }
        self._nodes = {f.signature.name: {node.name: node for node in f.node_def} for f in library}
        self._nodes[MAIN] = {node.name: node for node in meta_graph.graph_def.node}
        self._arguments[MAIN] = []
        self._assets = {_full(asset.tensor_info.name) for asset in assets(meta_graph)}
        saver = meta_graph.saver_def
        self._file = _full(saver.filename_tensor_name)
        self._saving = self._needed_for([saver.save_tensor_name])
        self._restoring = self._needed_for([saver.restore_op_name])
        self._answering = self._needed_for(_outputs(meta_graph))
        self._initializing = self._needed_for(_initializers(meta_graph))
        self._callers: Mapping[str, list[tuple[str, Any]]] = collections.defaultdict(list)
        for body, nodes in self._nodes.items():
            for node in nodes.values():
                for name in _functions(node) if node.op in allowed_ops.CALLS else ():
                    self._callers[name].append((body, node))

    def problem(self, body: str, node: Any) -> str | None:
        """Returns what is wrong with the file names of a node that has an op of `OPS`, or None."""
        indices, allowed = _OPS[node.op]
        inputs = _inputs(node)
        found: set[str] = set()
        for index in indices:
            sources = self._sources(body, inputs[index], node) if index < len(inputs) else set()
            found |= sources or {"nowhere"}
        wrong = sorted(found - {allowed})
        return f"its file name is from {' and '.join(wrong)}, not from {allowed}" if wrong else None

    def _sources(self, body: str, tensor: str, user: Any) -> set[str]:
        """Returns where a string comes from: the constants above, or words for other places."""
        found: set[str] = set()
        seen: set[tuple[str, str, str]] = set()
        queue: list[_Place] = [(body, tensor, user)]
        while queue:
            place = queue.pop()
            key = (place[0], _full(place[1]), place[2].name)
            if key not in seen:
                seen.add(key)
                source, before = self._step(*place)
                found |= {source} - {""}
                queue += before
        return found

    def _step(self, body: str, tensor: str, user: Any) -> tuple[str, list[_Place]]:
        """Returns where a string comes from, or else "" and the places to look at instead."""
        name = _node(tensor)
        if name in self._arguments[body]:
            return self._argument(body, self._arguments[body].index(name))
        if body == MAIN and _full(tensor) == self._file:
            return self._role(user.name), []
        if body == MAIN and _full(tensor) in self._assets:
            is_fed = user.name not in self._answering | self._saving | self._restoring
            return ASSET if is_fed else "an asset that is not passed on", []
        node = self._nodes[body].get(name)
        inputs = _inputs(node) if node is not None else []
        if node is None or not inputs:
            return "a constant" if node is not None and node.op == "Const" else "elsewhere", []
        if node.op == "Pack":
            return "", [(body, one, user) for one in inputs]
        is_joined = node.op == "StringJoin" and not node.attr["separator"].s
        if (is_joined and self._are_suffixes(body, inputs[1:])) or node.op in _PASS_ON:
            return "", [(body, inputs[0], user)]
        if body == MAIN and node.op == "ReadVariableOp":
            assigned = self._assigned(_node(inputs[0]))
            if assigned:
                return "", assigned
        return f"the op {node.op!r}", []

    def _argument(self, function: str, index: int) -> tuple[str, list[_Place]]:
        """Returns what is passed on to an argument, as `_step` does."""
        before: list[_Place] = []
        for body, node in self._callers[function]:
            inputs = _inputs(node)
            if node.op not in _CALLS or index >= len(inputs):
                return f"the op {node.op!r}", []
            before.append((body, inputs[index], node))
        objects = self._graph.object_graph_def
        if function not in objects.concrete_functions:
            return "", before
        # Programs can call it. The last arguments are what it holds.
        bound = objects.concrete_functions[function].bound_inputs
        index += len(bound) - len(self._arguments[function])
        held = bound[index] if index >= 0 else -1
        is_asset = 0 <= held < len(objects.nodes) and objects.nodes[held].HasField("asset")
        return ASSET if is_asset else "who calls the function", before

    def _assigned(self, handle: str) -> list[_Place]:
        """Returns what a variable of the main graph gets, if nothing else can reach it.

        TensorFlow passes an asset on to its initializer through a variable.
        """
        every = [node for nodes in self._nodes.values() for node in nodes.values()]
        made = [_variable(node) for node in every if node.op == "VarHandleOp"]
        node = self._nodes[MAIN].get(handle)
        users = [node for node in self._nodes[MAIN].values() if handle in map(_node, node.input)]
        if node is None or made.count(_variable(node)) != 1:
            return []
        if any(user.op not in _USES_OF_A_VARIABLE for user in users):
            return []
        assigning = [user for user in users if user.op == "AssignVariableOp"]
        return [(MAIN, user.input[1], user) for user in assigning]

    def _role(self, node: str) -> str:
        """Returns what a node of the main graph does with the file name of `saver_def`."""
        saves, restores = node in self._saving, node in self._restoring
        if node in self._answering | self._initializing or saves == restores:
            return "saver_def for a signature or an initializer"
        return SAVING if saves else RESTORING

    def _are_suffixes(self, body: str, tensors: Sequence[str]) -> bool:
        """Returns whether strings are constants that stay below the path before them."""
        queue, seen = [*tensors], set()
        while queue:
            name = _node(queue.pop())
            node = self._nodes[body].get(name)
            if node is None or node.op not in ("Const", "Select"):
                return False
            if any(b".." in value for value in node.attr["value"].tensor.string_val):
                return False
            if name not in seen:
                queue += _inputs(node)[1:]  # of Select; Const has none
            seen.add(name)
        return True

    def _needed_for(self, tensors: Sequence[str]) -> set[str]:
        """Returns the nodes of the main graph that run when these are asked for."""
        found: set[str] = set()
        queue = [_node(tensor) for tensor in tensors]
        while queue:
            name = queue.pop()
            if name not in found and name in self._nodes[MAIN]:
                found.add(name)
                queue += [_node(tensor) for tensor in self._nodes[MAIN][name].input]
        return found


def _outputs(meta_graph: Any) -> list[str]:
    """Returns the outputs of signatures."""
    signatures = meta_graph.signature_def.items()
    asked = [signature for name, signature in signatures if name != _INITIALIZER]
    return [info.name for signature in asked for info in signature.outputs.values()]


def _initializers(meta_graph: Any) -> list[str]:
    """Returns what loading may run: a signature, and what any collection of TensorFlow 1 names."""
    from google.protobuf import message
    from tensorflow.core.framework import variable_pb2

    found: list[str] = []
    if _INITIALIZER in meta_graph.signature_def:
        outputs = meta_graph.signature_def[_INITIALIZER].outputs
        found += [info.name for info in outputs.values()]
    for collection in meta_graph.collection_def.values():
        found += collection.node_list.value
        for content in collection.bytes_list.value:
            with contextlib.suppress(message.DecodeError):  # not of variables
                found.append(variable_pb2.VariableDef.FromString(content).initializer_name)
    return found


def assets(meta_graph: Any) -> list[Any]:
    """Returns the `AssetFileDef`s of a graph; TensorFlow 1 has them in a collection."""
    from tensorflow.core.protobuf import meta_graph_pb2

    found = list(meta_graph.asset_file_def)
    has_more = _ASSETS in meta_graph.collection_def
    for packed in meta_graph.collection_def[_ASSETS].any_list.value if has_more else ():
        asset = meta_graph_pb2.AssetFileDef()
        packed.Unpack(asset)
        found.append(asset)
    return found


def _functions(node: Any) -> list[str]:
    """Returns the names of the functions that a node calls."""
    return [
        function.name
        for value in node.attr.values()
        for function in ([value.func] if value.HasField("func") else value.list.func)
    ]


def _variable(node: Any) -> tuple[bytes, bytes]:
    """Returns what two nodes have in common that make the same variable."""
    return node.attr["container"].s, node.attr["shared_name"].s or node.name.encode()


def _node(tensor: str) -> str:
    """Returns the name of the node of a tensor or of a control dependency."""
    return tensor.lstrip("^").partition(":")[0]


def _full(tensor: str) -> str:
    """Returns a tensor's name with its number, which may be left out if it is 0."""
    return tensor if ":" in tensor else f"{tensor}:0"


def _inputs(node: Any) -> list[str]:
    return [name for name in node.input if not name.startswith("^")]
