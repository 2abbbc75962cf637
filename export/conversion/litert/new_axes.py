"""Rewrites slices that only add an axis, as `x[:, :, tf.newaxis]`, which LiteRT has not got.

Example:
    new_axes.rewrite("folder/saved_model.pb")

It has `tf.expand_dims`, which computes the same. Exported encoders keep their slices, because their
bytes are public.
"""

from typing import Any


def rewrite(path: str) -> None:
    """Rewrites the functions of a SavedModel's file in place."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved_model = saved_model_pb2.SavedModel()
    with open(path, "rb") as file:
        saved_model.ParseFromString(file.read())
    for meta_graph in saved_model.meta_graphs:
        for function in meta_graph.graph_def.library.function:
            _rewrite(function)
    with open(path, "wb") as file:
        file.write(saved_model.SerializeToString(deterministic=True))


def _rewrite(function: Any) -> None:
    """Rewrites a FunctionDef in place."""
    import tensorflow as tf

    for node in list(function.node_def):
        axis = _added_axis(node)
        if axis is None:
            continue
        constant = function.node_def.add(name=f"{node.name}_axis", op="Const")
        constant.attr["dtype"].type = tf.int32.as_datatype_enum
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(axis, tf.int32))
        # The output has the same name, so what reads it stays as it is.
        value, _, _, _, *control_inputs = node.input
        dtype = node.attr["T"].type
        node.op = "ExpandDims"
        node.ClearField("input")
        node.ClearField("attr")
        node.input.extend([value, f"{constant.name}:output:0", *control_inputs])
        node.attr["T"].type = dtype
        node.attr["Tdim"].type = tf.int32.as_datatype_enum


def _added_axis(node: Any) -> int | None:
    """Returns the axis that a node adds, if that is all it does: after full slices, `:`."""
    if node.op != "StridedSlice":
        return None
    # Reading an attribute that is not there would add it.
    begin, end, ellipsis, added, removed = (
        node.attr[f"{name}_mask"].i if f"{name}_mask" in node.attr else 0
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    )
    full = added - 1  # the bits below, if one axis is added
    is_one = added > 0 and added & full == 0
    is_alone = is_one and begin == end == full and not ellipsis and not removed
    return added.bit_length() - 1 if is_alone else None
