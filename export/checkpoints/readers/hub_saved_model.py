"""Reads an `albert_en_*` SavedModel: this project's, TF Hub's, or either after fine-tuning.

    tensors, unused_tensors = hub_saved_model.read("albert_en_large/1", variables)

Variables are known by their names in `saved_model.pb`; their values stand in `variables/variables`
under keys like `variables/7`. The encoder may be the SavedModel itself, or stand within a Keras
model that was built around a `hub.KerasLayer` and saved as a SavedModel.
"""

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from configs import errors
from export.checkpoints import lazy_checkpoint, weight_table
from export.checkpoints.readers import object_graph, sidecars, tensorflow_checkpoint
from export.metadata import manifest

FILE = "saved_model.pb"
VARIABLES = os.path.join("variables", "variables")

# Where the parts of an encoder may hang: itself, its heads, and what a hub.KerasLayer wraps.
_PARTS: tuple[tuple[str, ...], ...] = (
    (),
    ("mlm",),
    ("sop",),
    ("_func",),
    ("_func", "mlm"),
    ("_func", "sop"),
)
_WORDS = "word_embeddings/embeddings"
_BLOCK = re.compile(r"transformer(/group_\d+/inner_group_\d+)?/")


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Graph:
    """The object graphs of `saved_model.pb` and of `variables/variables`, walked in step.

    Attributes:
      checkpoint: the graph of `variables/variables`.
      nodes: the nodes of `saved_model.pb`.
      children: by node of `saved_model.pb`, its children by name.
      twin: by node of `saved_model.pb`, the node of `checkpoint` that has the same path.
    """

    checkpoint: object_graph.ObjectGraph
    nodes: Any
    children: tuple[Mapping[str, int], ...]
    twin: Mapping[int, int]

    def variables(self, node: int) -> dict[str, str]:
        """Returns the keys of what the list `variables` of a node holds, by canonical name."""
        found: dict[str, str] = {}
        holder = self.children[node].get("variables")
        for child in self.children[holder].values() if holder is not None else ():
            key = self.checkpoint.keys.get(self.twin.get(child, -1))
            if self.nodes[child].HasField("variable") and key is not None:
                name = _canonical_name(self.nodes[child].variable.name)
                if found.setdefault(name, key) != key:
                    found[f"{name} (again)"] = key
        return found

    def follow(self, node: int, names: tuple[str, ...]) -> int | None:
        """Returns what following names from a node leads to."""
        current: int | None = node
        for name in names:
            current = self.children[current].get(name) if current is not None else None
        return current


def read(
    directory: str, tensors: Mapping[str, lazy_checkpoint.LazyTensor]
) -> tuple[dict[str, lazy_checkpoint.LazyTensor], tuple[str, ...]]:
    """Returns the encoder's tensors by the names of its variables, and the names that are not its.

    Args:
      directory: of the SavedModel.
      tensors: of its checkpoint, `variables/variables`.

    Raises:
      errors.CheckpointError: the SavedModel cannot be read, or does not hold one ALBERT encoder.
    """
    graph = _graph(directory, tensors)
    encoder = _encoder(graph, directory)
    keys: dict[str, str] = {}
    for names in _PARTS:
        part = graph.follow(encoder, names)
        for name, key in graph.variables(part).items() if part is not None else ():
            if keys.setdefault(name, key) != key:
                raise errors.CheckpointError(
                    f"SavedModel {directory!r} holds two variables named {name!r}"
                )
    found = {name: dataclasses.replace(tensors[key], name=name) for name, key in keys.items()}
    rest = [
        key
        for key in tensors
        if key not in keys.values() and key != tensorflow_checkpoint.OBJECT_GRAPH
    ]
    if encoder == 0:  # nothing else may be in it
        for key in rest:
            found[key.removesuffix(object_graph.VALUE_SUFFIX)] = tensors[key]
        return found, ()
    return found, tuple(sorted(key.removesuffix(object_graph.VALUE_SUFFIX) for key in rest))


def config(directory: str) -> tuple[Mapping[str, Any] | None, str | None]:
    """Returns the config in this project's manifest, and its file; None and None without one.

    Raises:
      errors.CheckpointError: the manifest is not valid, or that of another kind of artifact.
    """
    path = os.path.join(directory, manifest.FILE)
    if not os.path.isfile(path):
        return None, None
    values = sidecars.read_json(path)
    if values.get("artifact") != "encoder" or not isinstance(values.get("config"), dict):
        raise errors.CheckpointError(
            f"{path!r} is of an artifact {values.get('artifact')!r}, not of an encoder"
        )
    return values["config"], path


def _meta_graphs(directory: str) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    path = os.path.join(directory, FILE)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise errors.CheckpointError(f"{path!r} cannot be read: {error}") from error
    graphs = object_graph.parse(saved_model_pb2.SavedModel, content, path).meta_graphs
    if not graphs:
        raise errors.CheckpointError(f"SavedModel {directory!r} is empty")
    return graphs


def _graph(directory: str, tensors: Mapping[str, lazy_checkpoint.LazyTensor]) -> _Graph:
    nodes = _meta_graphs(directory)[0].object_graph_def.nodes
    children = object_graph.child_names(nodes, directory)
    checkpoint = object_graph.ObjectGraph.from_checkpoint(tensors, directory)
    twin = {0: 0}
    queue = [0]
    for node in queue:
        for name, child in children[node].items():
            other = checkpoint.children[twin[node]].get(name)
            if other is not None and child not in twin:
                twin[child] = other
                queue.append(child)
    return _Graph(checkpoint=checkpoint, nodes=nodes, children=children, twin=twin)


def _encoder(graph: _Graph, directory: str) -> int:
    """Returns the topmost node whose variables are those of an ALBERT encoder, and no others."""
    candidates: dict[str, int] = {}
    for node in _breadth_first(graph.children):
        variables = graph.variables(node)
        if _WORDS in variables and all(map(_is_of_albert, variables)):
            candidates.setdefault(variables[_WORDS], node)
    if len(candidates) != 1:
        raise errors.CheckpointError(
            f"SavedModel {directory!r} holds {len(candidates)} ALBERT encoders with the variables "
            "of an albert_en_* SavedModel; it must hold one"
        )
    return next(iter(candidates.values()))


def _breadth_first(children: tuple[Mapping[str, int], ...]) -> Iterator[int]:
    return object_graph.ObjectGraph(children=children, keys={}).walk()


def _is_of_albert(name: str) -> bool:
    generic = _BLOCK.sub("{block}/", name, count=1)
    return any(row.variable == generic for row in weight_table.TABLE)


def _canonical_name(name: str) -> str:
    """Returns a variable's name as the table spells it: TF Hub's heads stand below `bert/`."""
    name = name.removesuffix(":0")
    return name.removeprefix("bert/") if name.startswith("bert/cls/") else name
