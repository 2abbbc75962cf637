"""SavedModels that do more than compute. Each writes a file when it runs, or returns a secret.

Example:
    hostile_models.MODELS["a function"].write(directory, canary)

Loading or calling them unread proves that they do it: see `Model.run`.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

_INPUT = [tf.TensorSpec([], tf.float32)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """One of them.

    Attributes:
      write: writes it into a folder; its second argument is the file that it then writes.
      message: what is said of it, a regular expression.
      run: makes the loaded model do it.
    """

    write: Callable[[pathlib.Path, pathlib.Path], None]
    message: str
    run: Callable[[Any], object] = lambda module: module.f(tf.constant(1.0))


def edit(directory: pathlib.Path, change: Callable[[Any], object]) -> None:
    """Changes the graph of a SavedModel in place."""
    path = directory / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(model.meta_graphs[0])
    path.write_bytes(model.SerializeToString())


def functions(meta_graph: Any, op: str) -> list[tuple[Any, Any]]:
    """Returns the functions that have an op, each with the node."""
    library = meta_graph.graph_def.library.function
    return [(function, node) for function in library for node in function.node_def if node.op == op]


def _module(
    make: Callable[[pathlib.Path], Callable[[tf.Tensor], Any]],
) -> Callable[[pathlib.Path, pathlib.Path], None]:
    """Returns what writes a model whose `f` is the function that `make` returns."""

    def write(directory: pathlib.Path, canary: pathlib.Path) -> None:
        module = tf.Module()
        function = make(canary)
        module.f = tf.function(function, input_signature=_INPUT, autograph=False)
        tf.saved_model.save(module, str(directory))

    return write


def _after(x: tf.Tensor, *operations: tf.Operation) -> tf.Tensor:
    with tf.control_dependencies(operations):
        return tf.identity(x)


def _save_to(canary: pathlib.Path, x: tf.Tensor) -> tf.Tensor:
    return _after(x, tf.io.write_file(str(canary), "alive"))


def _nested(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    inner = tf.function(lambda x: _save_to(canary, x), input_signature=_INPUT, autograph=False)
    outer = tf.function(lambda x: inner(x) + 1.0, input_signature=_INPUT, autograph=False)
    return lambda x: outer(x) * 2.0


def _loop(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda x: tf.while_loop(lambda y: y < 9.0, lambda y: [_save_to(canary, y) + 5.0], [x])[0]


def _branch(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda x: tf.cond(x > 0.0, lambda: _save_to(canary, x), lambda: x)


def _print(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda x: _after(x, tf.print(x, output_stream=f"file://{canary}"))


def _python(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda x: tf.numpy_function(lambda y: (canary.write_text("alive"), y)[1], [x], x.dtype)


def _save(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    def save(x: tf.Tensor) -> tf.Tensor:
        saved = tf.raw_ops.SaveV2(
            prefix=str(canary), tensor_names=["x"], shape_and_slices=[""], tensors=[x]
        )
        return _after(x, saved)

    return save


def _data(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    canary.write_text("secret")
    return lambda x: tf.data.TextLineDataset(str(canary)).reduce("", lambda _, line: line)


def _read(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    canary.write_text("secret")
    return lambda x: tf.io.read_file(str(canary))


def _table(canary: pathlib.Path) -> Callable[[tf.Tensor], tf.Tensor]:
    canary.write_text("secret")
    return lambda x: _fill(str(canary))


def _fill(name: str | tf.Tensor) -> tf.Tensor:
    """Returns the first line of a file."""
    table = tf.raw_ops.HashTableV2(key_dtype=tf.int64, value_dtype=tf.string)
    filled = tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=table, filename=name, key_index=-1, value_index=-2
    )
    with tf.control_dependencies([filled]):
        return tf.raw_ops.LookupTableFindV2(
            table_handle=table, keys=tf.constant(0, tf.int64), default_value=""
        )


class _Resource(tf.saved_model.experimental.TrackableResource):
    """A resource whose initializer, which loading runs, writes a file."""

    def __init__(self, canary: pathlib.Path) -> None:
        super().__init__()
        self._canary = str(canary)
        self.resource_handle  # noqa: B018, makes it

    def _create_resource(self) -> tf.Tensor:
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="hostile")

    def _initialize(self) -> None:
        tf.io.write_file(self._canary, "alive")


def _initializer(directory: pathlib.Path, canary: pathlib.Path) -> None:
    module = tf.Module()
    module.resource = _Resource(canary)
    module.f = tf.function(lambda x: x, input_signature=_INPUT, autograph=False)
    tf.saved_model.save(module, str(directory))
    canary.unlink(missing_ok=True)


def _signature(directory: pathlib.Path, canary: pathlib.Path) -> None:
    module = tf.Module()
    module.f = tf.function(lambda x: x, input_signature=_INPUT, autograph=False)
    other = tf.function(lambda x: {"y": _save_to(canary, x)}, input_signature=_INPUT)
    tf.saved_model.save(module, str(directory), signatures={"never_called": other})


def _placeholder(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """The stream of the print op is an attribute of its function."""
    _module(_print)(directory, canary)

    def change(meta_graph: Any) -> None:
        ((function, node),) = functions(meta_graph, "PrintV2")
        function.signature.attr.add(name="stream", type="string")
        node.attr["output_stream"].placeholder = "stream"

    edit(directory, change)


def _shadow(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """A function has the name of an op."""
    _module(lambda _: lambda x: tf.identity(x))(directory, canary)

    def change(meta_graph: Any) -> None:
        meta_graph.graph_def.library.function.add().signature.name = "Identity"

    edit(directory, change)


def _unknown(directory: pathlib.Path, canary: pathlib.Path) -> None:
    _module(lambda _: tf.tanh)(directory, canary)

    def change(meta_graph: Any) -> None:
        for _, node in functions(meta_graph, "Tanh"):
            node.op = "MyOwnOp"

    edit(directory, change)


def _saver(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """The function that saves gets a constant instead of its argument."""
    module = tf.Module()
    module.v = tf.Variable(1.0)
    tf.saved_model.save(module, str(directory))

    def change(meta_graph: Any) -> None:
        ((function, node),) = functions(meta_graph, "SaveV2")
        constant = function.node_def.add(name="constant", op="Const")
        constant.attr["dtype"].type = tf.string.as_datatype_enum
        value = tf.make_tensor_proto(str(canary))
        constant.attr["value"].tensor.CopyFrom(value)
        node.input[0] = "constant:output:0"

    edit(directory, change)


def _asset(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """The file of a table is outside the folder."""
    canary.write_text("secret")
    module = tf.Module()
    # Table files are assets: they are copied into the folder.
    initializer = tf.lookup.TextFileInitializer(
        str(canary),
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
    )
    module.table = tf.lookup.StaticHashTable(initializer, "")
    module.f = tf.function(
        lambda x: module.table.lookup(tf.cast(x - 1.0, tf.int64)), input_signature=_INPUT
    )
    tf.saved_model.save(module, str(directory))
    edit(directory, lambda graph: _rename_asset(graph, f"../../{canary.name}"))


def _rename_asset(meta_graph: Any, name: str) -> None:
    meta_graph.asset_file_def[0].filename = name


def _link(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """The file of a table is a link."""
    _asset(directory, canary)
    edit(directory, lambda graph: _rename_asset(graph, canary.name))
    path = directory / "assets" / canary.name
    path.unlink()
    path.symlink_to(canary)


def _tf1(directory: pathlib.Path, canary: pathlib.Path) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [])
        y = _save_to(canary, x)
        tf.compat.v1.saved_model.simple_save(session, str(directory), {"x": x}, {"y": y})


def _tf1_saver(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """A signature saves to the default of the file name that loaders replace."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [])
        tf.compat.v1.get_variable("v", initializer=1.0)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(filename=str(canary))
        saved = session.graph.get_tensor_by_name(saver.saver_def.save_tensor_name)
        y = {"y": tf.identity(saved)}
        builder = tf.compat.v1.saved_model.Builder(str(directory))
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, y)
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, saver=saver
        )
        builder.save()


def _tf1_collection(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """A collection names what saves, and loading runs it as if it filled a table."""
    _tf1_saver(directory, canary)

    def change(meta_graph: Any) -> None:
        meta_graph.signature_def.clear()
        saves = meta_graph.saver_def.save_tensor_name.partition(":")[0]
        meta_graph.collection_def["table_initializer"].node_list.value.append(saves)

    edit(directory, change)


def _tf1_restore(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """Restoring, which loading does, saves too."""
    _tf1_saver(directory, canary)

    def change(meta_graph: Any) -> None:
        meta_graph.signature_def.clear()
        saver = meta_graph.saver_def
        saver.restore_op_name = saver.save_tensor_name.partition(":")[0]

    edit(directory, change)


def _tf1_table(directory: pathlib.Path, canary: pathlib.Path) -> None:
    """A signature fills a table from the default of the name of an asset."""
    canary.write_text("secret")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [])
        name = tf.constant(str(canary))
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS, name)
        y = _fill(name)
        builder = tf.compat.v1.saved_model.Builder(str(directory))
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS),
        )
        builder.save()


def _call(name: str = "serving_default") -> Callable[[Any], tf.Tensor]:
    return lambda module: next(iter(module.signatures[name](x=tf.constant(1.0)).values()))


MODELS = {
    "a function": Model(
        write=_module(lambda canary: lambda x: _save_to(canary, x)),
        message="op 'WriteFile' in function '__inference_.*'",
    ),
    "a file that is read": Model(write=_module(_read), message="op 'ReadFile' in function"),
    "a data set of files": Model(write=_module(_data), message="op 'TextLineDataset' in function"),
    "a nested function": Model(write=_module(_nested), message="op 'WriteFile' in function"),
    "the body of a loop": Model(write=_module(_loop), message="op 'WriteFile' in function 'while_"),
    "a branch": Model(write=_module(_branch), message="op 'WriteFile' in function 'cond_true"),
    "an initializer": Model(
        write=_initializer,
        message="op 'WriteFile' in function '__inference__initializer",
        run=lambda module: module,
    ),
    "a signature": Model(
        write=_signature, message="op 'WriteFile' in function", run=_call("never_called")
    ),
    "a saver's constant": Model(
        write=_module(_save), message="op 'SaveV2' in function .*: its file name is from a constant"
    ),
    "a table's constant": Model(
        write=_module(_table), message="op 'InitializeTableFromTextFileV2' .* from a constant"
    ),
    "an asset outside": Model(write=_asset, message=r"asset '../../canary' is out of the folder"),
    "a link": Model(write=_link, message="'assets/canary' is a link to .*, out of the folder"),
    "Python": Model(write=_module(_python), message="op 'PyFunc' in function"),
    "a print": Model(write=_module(_print), message="op 'PrintV2' in .*: it writes to 'file://"),
    "a TF1 graph": Model(write=_tf1, message="op 'WriteFile' in the main graph", run=_call()),
    "a TF1 saver": Model(
        write=_tf1_saver, message="op 'SaveV2' in the main graph: .* for a signature", run=_call()
    ),
    "a TF1 collection": Model(
        write=_tf1_collection,
        message="op 'SaveV2' in the main graph: .* or an initializer",
        run=lambda module: module,
    ),
    "a TF1 table": Model(
        write=_tf1_table,
        message="op 'InitializeTableFromTextFileV2' in the main graph: .* that is not passed on",
        run=_call(),
    ),
}
# These cannot be run by what `hub.load` returns.
UNLOADABLE = {
    "an unknown op": Model(write=_unknown, message="op 'MyOwnOp' in function"),
    "an attribute of a function": Model(write=_placeholder, message="function .* has attributes"),
    "the name of an op": Model(write=_shadow, message="function 'Identity' has the name of an op"),
    "a TF1 restorer": Model(
        write=_tf1_restore, message="op 'SaveV2' in the main graph: its file name is from"
    ),
    "the saver's function": Model(
        write=_saver, message="op 'SaveV2' in function '__inference__traced_save.*from a constant"
    ),
}
