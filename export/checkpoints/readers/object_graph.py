"""The object graph of a TF2 checkpoint or SavedModel: who holds which variable, by which name.

    graph = object_graph.ObjectGraph.from_checkpoint(tensors, prefix)
    for path, key in graph.paths_below(node).items(): ...

A variable that several objects hold has several paths, but its value stands in the file once, under
one of them. So names are looked up by walking the graph, never by the keys of the file.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from configs import errors
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import tensorflow_checkpoint

VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObjectGraph:
    """A checked object graph of a checkpoint. Node 0 is the root.

    Attributes:
      children: by node, its children by name.
      keys: by node that is a variable, the key of its value in the checkpoint.
    """

    children: tuple[Mapping[str, int], ...]
    keys: Mapping[int, str]

    @classmethod
    def from_checkpoint(
        cls, tensors: Mapping[str, lazy_checkpoint.LazyTensor], location: str
    ) -> "ObjectGraph":
        """Returns the graph that the checkpoint with these tensors carries.

        Raises:
          errors.CheckpointError: it cannot be read.
        """
        from tensorflow.core.protobuf import trackable_object_graph_pb2

        content = tensors[tensorflow_checkpoint.OBJECT_GRAPH].read()
        proto = parse(trackable_object_graph_pb2.TrackableObjectGraph, content, location)
        keys = {
            index: attribute.checkpoint_key
            for index, node in enumerate(proto.nodes)
            for attribute in node.attributes
            # A variable without a value has a key, but no tensor.
            if attribute.name == "VARIABLE_VALUE" and attribute.checkpoint_key in tensors
        }
        return cls(children=child_names(proto.nodes, location), keys=keys)

    def walk(self, start: int = 0) -> Iterator[int]:
        """Yields the nodes below `start`, itself first, breadth first, each once."""
        seen = {start}
        queue = [start]
        for node in queue:
            yield node
            for child in self.children[node].values():
                if child not in seen:
                    seen.add(child)
                    queue.append(child)

    def child(self, node: int, *names: str) -> int | None:
        """Returns what following names from `node` leads to; None where there is no such child."""
        current: int | None = node
        for name in names:
            if current is None:
                return None
            current = self.children[current].get(name)
        return current

    def paths_below(self, start: int) -> dict[str, str]:
        """Returns the key in the checkpoint of every variable below `start`, by shortest path.

        CommandRunner are spelt as in checkpoint keys ("/" within a name is ".S").
        """
        found: dict[str, str] = {}
        paths = {start: ""}
        for node in self.walk(start):
            if node in self.keys and paths[node]:
                found[paths[node]] = self.keys[node]
            for name, child in self.children[node].items():
                escaped = name.replace(".", "..").replace("/", ".S")
                path = f"{paths[node]}/{escaped}" if paths[node] else escaped
                paths.setdefault(child, path)
        return found


def parse(message_class: Any, content: Any, location: str) -> Any:
    """Returns the protobuf message in `content`.

    Raises:
      errors.CheckpointError: there is none.
    """
    from google.protobuf import message

    try:
        return message_class.FromString(bytes(content))
    except (message.DecodeError, TypeError, ValueError) as error:
        raise errors.CheckpointError(
            f"the object graph of {location!r} is corrupted: {error}"
        ) from error


def child_names(nodes: Any, location: str) -> tuple[dict[str, int], ...]:
    """Returns by node its children by name, checked."""
    children = tuple({child.local_name: child.node_id for child in node.children} for node in nodes)
    if not children:
        raise errors.CheckpointError(f"the object graph of {location!r} is empty")
    if any(not 0 <= child < len(children) for names in children for child in names.values()):
        raise errors.CheckpointError(f"the object graph of {location!r} is corrupted")
    return children
