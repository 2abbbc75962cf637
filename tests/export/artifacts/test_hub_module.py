"""Callables are traced once, while they are saved, and written in an order that does not change."""

import pytest
import tensorflow as tf
import tensorflow_hub as hub
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.saved_model import fingerprinting_utils

from export.artifacts import hub_module


def test_a_module_is_traced_in_saving_alone_and_called_only_after_it(tmp_path):
    traced = []
    factor = tf.Variable(3.0)

    def function(inputs, training):
        traced.append(training)
        return {"y": inputs["x"] * factor + (1.0 if training else 0.0)}

    specs = {"x": tf.TensorSpec([None], tf.float32, name="x")}
    module = hub_module.HubModule(function, specs=specs, variables=[factor])
    with pytest.raises(tf.errors.InvalidArgumentError, match="save the module and load it"):
        module({"x": tf.constant([1.0])})
    signatures = {"serving_default": module.signature(["y"])}
    assert traced == []
    hub_module.save(module, str(tmp_path), signatures=signatures)
    assert sorted(traced) == [False, False, True]  # one is the signature's
    loaded = hub.load(str(tmp_path))
    x = tf.constant([1.0, 2.0])
    assert loaded({"x": x})["y"].numpy().tolist() == [3.0, 6.0]
    assert loaded({"x": x}, training=True)["y"].numpy().tolist() == [4.0, 7.0]
    assert loaded.signatures["serving_default"](x=x)["y"].numpy().tolist() == [3.0, 6.0]


def test_functions_are_written_in_the_order_of_their_names_with_the_fingerprint_of_that(tmp_path):
    @tf.function
    def zeroth(x):
        return x + 1.0

    @tf.function
    def another(x):
        return zeroth(x) * 2.0

    specs = tf.TensorSpec([None], tf.float32, name="x")
    module = hub_module.HubModule(lambda x, _: another(x), specs=specs, variables=[])
    hub_module.save(module, str(tmp_path), signatures={"serving_default": module.signature(["y"])})
    content = (tmp_path / "saved_model.pb").read_bytes()
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    names = [function.signature.name for function in meta_graph.graph_def.library.function]
    assert names == sorted(names)
    assert {"another", "zeroth"} <= {name.split("_")[3] for name in names if "inference_" in name}
    written = tf.saved_model.experimental.read_fingerprint(str(tmp_path))
    fingerprinting_utils.write_fingerprint(str(tmp_path))  # TensorFlow's own, of the same file
    again = tf.saved_model.experimental.read_fingerprint(str(tmp_path))
    assert written.saved_model_checksum == again.saved_model_checksum
    assert hub.load(str(tmp_path))(tf.constant([2.0])).numpy().tolist() == [6.0]
