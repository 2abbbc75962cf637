"""Reads an `albert_en_*` SavedModel: this project's, TF Hub's, or either after fine-tuning.

    tensors, unused_tensors, told_heads = hub_saved_model.read("albert_en_large/1", variables)

Variables are known by their names in `saved_model.pb`; their values stand in `variables/variables`
under keys like `variables/7`. The encoder may be the SavedModel itself, or stand within a Keras
model that was built around a `hub.KerasLayer` and saved as a SavedModel.
"""

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from configs import errors, head_config, hub_api, strangers_files
from export.checkpoints import lazy_checkpoint, weight_table
from export.checkpoints.readers import object_graph, sidecars, tensorflow_checkpoint
from export.metadata import manifest

FILE = "saved_model.pb"
VARIABLES = os.path.join("variables", "variables")

# Where the parts of an encoder may hang: itself, its heads, and what a hub.KerasLayer wraps.
_HEADS = (hub_api.MLM, hub_api.SOP, *head_config.KINDS)
_PARTS: tuple[tuple[str, ...], ...] = tuple(
    (*wrapper, *head)
    for wrapper in ((), ("_func",))
    for head in ((), *((name,) for name in _HEADS))
)
# Attributes of a head that say what it is.
_SETTINGS = (hub_api.LABELS, hub_api.PROBLEM_TYPE)
# Attributes of the root of what Keras saves or exports. It tracks variables more than once.
_OF_KERAS = {"keras_api", "_all_variables"}
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

    def setting(self, node: int, name: str) -> str | None:
        """Returns the key of the variable that is an attribute of a node; None without one."""
        child = self.children[node].get(name)
        return self.checkpoint.keys.get(self.twin.get(child, -1)) if child is not None else None

    def follow(self, node: int, names: tuple[str, ...]) -> int | None:
        """Returns what following names from a node leads to."""
        current: int | None = node
        for name in names:
            current = self.children[current].get(name) if current is not None else None
        return current


def read(
    directory: str, tensors: Mapping[str, lazy_checkpoint.LazyTensor]
) -> tuple[dict[str, lazy_checkpoint.LazyTensor], tuple[str, ...], dict[str, dict[str, Any]]]:
    """Returns the encoder's tensors by the names of its variables.

    Args:
      directory: of the SavedModel.
      tensors: of its checkpoint, `variables/variables`.

    Returns:
      The tensors; the names of those that are not the encoder's; what the SavedModel says of the
      heads of a fine-tuned model, see `head_detection.find`.

    Raises:
      errors.CheckpointError: the SavedModel cannot be read, or does not hold one ALBERT encoder.
    """
    graph = _graph(directory, tensors)
    encoder = _encoder(graph, directory)
    keys: dict[str, str] = {}
    for names in _PARTS:
        part = graph.follow(encoder, names)
        variables = graph.variables(part) if part is not None else {}
        for name, key in variables.items():
            if keys.setdefault(name, key) != key:
                raise errors.CheckpointError(
                    f"SavedModel {directory!r} holds two variables named {name!r}"
                )
    found = {name: dataclasses.replace(tensors[key], name=name) for name, key in keys.items()}
    settings = _settings(graph, keys)
    used = {*keys.values(), *(key for one in settings.values() for key in one.values())}
    rest = [key for key in tensors if key not in used and key != tensorflow_checkpoint.OBJECT_GRAPH]
    told = {
        kind: {name: _words(tensors[key]) for name, key in of_kind.items()}
        for kind, of_kind in settings.items()
    }
    is_keras = not _OF_KERAS.isdisjoint(graph.children[0])
    if encoder == 0 and not is_keras:  # nothing else may be in it
        for key in rest:
            found[key.removesuffix(object_graph.VALUE_SUFFIX)] = tensors[key]
        return found, (), told
    others = sorted(key.removesuffix(object_graph.VALUE_SUFFIX) for key in rest)
    return found, tuple(others), told


def _settings(graph: _Graph, encoder: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Returns the keys of what heads say of themselves, by kind and name of the attribute.

    Args:
      graph: of the SavedModel.
      encoder: the keys of the encoder's variables and of its heads', by name.
    """
    found: dict[str, dict[str, str]] = {}
    for node in _breadth_first(graph.children):
        keys = {name: graph.setting(node, name) for name in _SETTINGS}
        held = {name: key for name, key in keys.items() if key is not None}
        variables = graph.variables(node) if held else {}
        if not variables or any(encoder.get(name) != key for name, key in variables.items()):
            continue
        for kind in head_config.KINDS:
            if any(name.startswith(f"cls/{kind}") for name in variables):
                found.setdefault(kind, held)
    return found


def _words(tensor: lazy_checkpoint.LazyTensor) -> Any:
    """Returns a string, or a tuple of strings for a vector."""
    value = np.asarray(tensor.read(), object)
    words = tuple(word.decode() for word in value.reshape(-1))
    return words if value.ndim else words[0]


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
        with open(path, "rb", opener=strangers_files.opener) as file:
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
