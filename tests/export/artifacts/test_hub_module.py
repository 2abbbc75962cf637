"""Callables are traced once, while they are saved; until then they cannot be called by mistake."""

import pytest
import tensorflow as tf
import tensorflow_hub as hub

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
