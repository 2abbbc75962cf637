"""What the graph of a SavedModel would do besides computing, found by reading it.

Example:
    graph_audit.problems(content, "saved_model.pb")  # [] if it only computes

Every function of the library is read, so that what branches, loops, signatures, gradients and
initializers call is read as well.
"""

from collections.abc import Iterator
from typing import Any

from configs import errors
from export.saved_models import allowed_ops, file_names

_OPS = allowed_ops.ALL | file_names.OPS
_STREAMS = (b"", b"stderr", b"stdout", b"log(info)", b"log(warning)", b"log(error)")


def problems(content: bytes, location: str) -> list[str]:
    """Returns a few words for each op that does more than compute, once for a function.

    Args:
      content: of `saved_model.pb`.
      location: of it, for errors.

    Raises:
      errors.CheckpointError: it is not a SavedModel.
    """
    from google.protobuf import message
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        graphs = saved_model_pb2.SavedModel.FromString(content).meta_graphs
        return list(dict.fromkeys(one for graph in graphs for one in _problems_of(graph)))
    except message.DecodeError as error:
        raise errors.CheckpointError(
            f"{location!r} cannot be loaded as a SavedModel: {errors.first_line(error)}"
        ) from error


def _problems_of(meta_graph: Any) -> Iterator[str]:
    for asset in file_names.assets(meta_graph):
        parts = asset.filename.split("/")
        if parts[0] == "" or ".." in parts or "://" in asset.filename:
            yield f"asset {asset.filename!r} is out of the folder"
    for function in meta_graph.graph_def.library.function:
        # Both would let a name mean something else than what is read here.
        if len(function.signature.attr):
            yield f"function {function.signature.name!r} has attributes"
        if function.signature.name in _OPS:
            yield f"function {function.signature.name!r} has the name of an op"
    names = file_names.FileNames(meta_graph)
    bodies = set()
    for body, nodes in _bodies(meta_graph):
        where = f"function {body!r}" if body else "the main graph"
        if body in bodies or len({node.name for node in nodes}) < len(nodes):
            yield f"{where} has a name twice"
        bodies.add(body)
        for node in nodes:
            if node.op in allowed_ops.ALL:
                continue
            if node.op in file_names.OPS:
                problem = names.problem(body, node)
            elif node.op == "PrintV2":
                stream = node.attr["output_stream"].s
                problem = None if stream in _STREAMS else f"it writes to {_text(stream)}"
            else:
                problem = ""
            if problem is not None:
                yield f"op {node.op!r} in {where}" + (problem and f": {problem}")


def _bodies(meta_graph: Any) -> Iterator[tuple[str, Any]]:
    yield file_names.MAIN, meta_graph.graph_def.node
    for function in meta_graph.graph_def.library.function:
        yield function.signature.name, function.node_def


def _text(value: bytes) -> str:
    return repr(value.decode(errors="backslashreplace"))
