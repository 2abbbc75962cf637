"""Finalizes an artifact: adds manifest entries, warm-up requests and checksums.

Example:
    finalize.finalize("staging folder", serving_warmup=False)
"""

from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export.metadata import checksums, manifest

# The oldest TensorFlow that artifacts without and with custom ops were tested with:
# docs/measurements/publication.md.
OLDEST_TENSORFLOW = {False: "2.13", True: "2.15"}


def finalize(directory: str, *, serving_warmup: bool) -> None:
    """Finalizes the artifact in `directory`, which must not change afterwards.

    Args:
      directory: root of the SavedModel, with its manifest.
      serving_warmup: whether to write requests that TensorFlow Serving warms up with.
    """
    manifest.add(directory, manifest_entries(directory))
    if serving_warmup:
        from export.metadata import warmup_requests  # needs tensorflow-serving-api

        warmup_requests.write(directory)
    checksums.write(directory)


def manifest_entries(directory: str) -> dict[str, Any]:
    """Returns the manifest entries that follow from the files of a SavedModel."""
    custom_ops = _custom_ops(directory)
    return {
        "parameters": _parameters(directory),
        "custom_ops": custom_ops,
        "oldest_tensorflow": OLDEST_TENSORFLOW[bool(custom_ops)],
    }


def _parameters(directory: str) -> int:
    """Returns the number of elements of all float variables, heads included."""
    reader = tf.train.load_checkpoint(f"{directory}/variables/variables")
    dtypes = reader.get_variable_to_dtype_map()
    return sum(
        tf.TensorShape(shape).num_elements()
        for name, shape in reader.get_variable_to_shape_map().items()
        if dtypes[name].is_floating
    )


def _custom_ops(directory: str) -> list[str]:
    """Returns the ops that TensorFlow does not have, such as those of TensorFlow Text."""
    with open(f"{directory}/saved_model.pb", "rb") as file:
        model = saved_model_pb2.SavedModel.FromString(file.read())
    names = set()
    for meta_graph in model.meta_graphs:
        graph = meta_graph.graph_def
        functions = {function.signature.name for function in graph.library.function}
        nodes = list(graph.node)
        for function in graph.library.function:
            nodes += function.node_def
        names |= {node.op for node in nodes} - functions
    return sorted(name for name in names if not hasattr(tf.raw_ops, name))
