"""A file name that does not come from TensorFlow's own saver or from an asset is refused."""

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export.saved_models import graph_audit
from tests.support import hostile_models


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The graph of a SavedModel with a variable, and with a table from a file."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "vocab.txt").write_text("a\n")
    module = tf.Module()
    module.v = tf.Variable(1.0)
    initializer = tf.lookup.TextFileInitializer(
        str(folder / "vocab.txt"),
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    module.table = tf.lookup.StaticHashTable(initializer, -1)
    module.f = tf.function(
        module.table.lookup, input_signature=[tf.TensorSpec([None], tf.string, name="x")]
    )
    tf.saved_model.save(module, str(folder), signatures=module.f.get_concrete_function())
    return (folder / "saved_model.pb").read_bytes()


def _node(graph, name):
    (node,) = (node for node in graph.graph_def.node if node.name == name.partition(":")[0])
    return node


def _only(graph, op):
    ((function, node),) = hostile_models.functions(graph, op)
    return function, node


def _separator(graph):
    _only(graph, "StringJoin")[1].attr["separator"].s = b"/../"


def _suffix(graph):
    function, _ = _only(graph, "StringJoin")
    for node in function.node_def:
        if b".part" in node.attr["value"].tensor.string_val:
            node.attr["value"].tensor.string_val[0] = b"/../../part"


def _suffix_is_an_argument(graph):
    _only(graph, "StringJoin")[1].input[1] = "file_prefix"


def _object(graph):
    function, _ = _only(graph, "SaveV2")
    graph.object_graph_def.concrete_functions[function.signature.name].bound_inputs.append(0)


def _other_call(graph):
    call = _node(graph, graph.saver_def.save_tensor_name)
    graph.graph_def.node.add().CopyFrom(call)
    graph.graph_def.node[-1].name = "another"


def _call_in_a_branch(graph):
    function, _ = _only(graph, "SaveV2")
    node = _only(graph, "InitializeTableFromTextFileV2")[0].node_def.add(name="if", op="If")
    node.attr["then_branch"].func.name = function.signature.name


def _signature(graph):
    outputs = graph.signature_def["serving_default"].outputs
    outputs["saved"].name = graph.saver_def.save_tensor_name


def _other_output(graph):
    graph.saver_def.filename_tensor_name = "saver_filename:1"


def _roles(graph):
    saver = graph.saver_def
    saver.restore_op_name = saver.save_tensor_name.partition(":")[0]


def _no_caller(graph):
    call = _node(graph, graph.saver_def.restore_op_name)
    graph.graph_def.node.remove(call)


def _constant_asset(graph):
    bound = graph.object_graph_def.concrete_functions
    initializer, _ = _only(graph, "InitializeTableFromTextFileV2")
    nodes = graph.object_graph_def.nodes
    held = [i for i, node in enumerate(nodes) if node.HasField("asset")]
    index = list(bound[initializer.signature.name].bound_inputs).index(held[0])
    bound[initializer.signature.name].bound_inputs[index] = 10**6


def _assigned_again(graph):
    assign = next(node for node in graph.graph_def.node if node.op == "AssignVariableOp")
    other = graph.graph_def.node.add(name="other", op="AssignVariableOp")
    other.input.extend([assign.input[0], "constant"])
    graph.graph_def.node.add(name="constant", op="Const")


def _made_again(graph):
    made = next(node for node in graph.graph_def.node if node.op == "VarHandleOp")
    function, _ = _only(graph, "InitializeTableFromTextFileV2")
    function.node_def.add().CopyFrom(made)


def _collection(graph):
    saves = graph.saver_def.save_tensor_name.partition(":")[0]
    graph.collection_def["any"].node_list.value.append(saves)


def test_the_graph_itself_is_accepted(content):
    assert graph_audit.problems(content, "model") == []


@pytest.mark.parametrize(
    ("change", "op", "source"),
    [
        (_separator, "SaveV2", "the op 'StringJoin'"),
        (_suffix, "SaveV2", "the op 'StringJoin'"),
        (_suffix_is_an_argument, "SaveV2", "the op 'StringJoin'"),
        (_object, "SaveV2", "who calls the function"),
        (_other_call, "SaveV2", "saver_def for a signature or an initializer"),
        (_call_in_a_branch, "SaveV2", "the op 'If'"),
        (_signature, "SaveV2", "saver_def for a signature or an initializer"),
        (_other_output, "RestoreV2", "elsewhere"),
        (_roles, "SaveV2", "saver_def for a signature or an initializer"),
        (_no_caller, "RestoreV2", "nowhere"),
        (_constant_asset, "InitializeTableFromTextFileV2", "who calls the function"),
        (_assigned_again, "InitializeTableFromTextFileV2", "a constant"),
        (_made_again, "InitializeTableFromTextFileV2", "the op 'ReadVariableOp'"),
        (_collection, "SaveV2", "saver_def for a signature or an initializer"),
    ],
)
def test_a_graph_with_one_change_is_refused(content, change, op, source):
    model = saved_model_pb2.SavedModel.FromString(content)
    change(model.meta_graphs[0])
    found = graph_audit.problems(model.SerializeToString(), "model")
    assert any(one.startswith(f"op {op!r} in function") and source in one for one in found), found
