"""Every published size exports, loads and runs."""

import os

import pytest
import tensorflow as tf
import tensorflow_hub as hub

from configs import hub_api
from tests.conformance import table
from tests.export.model import test_albert
from tests.support import processes

SIZES = {"base": (12, 768), "large": (24, 1024), "xlarge": (24, 2048), "xxlarge": (12, 4096)}


@pytest.mark.large
@pytest.mark.stress
@pytest.mark.parametrize("size", SIZES)
def test_size_exports_and_loads(size, tmp_path):
    if size == "large":  # another test takes it too
        directory = processes.exported("export.encoder", "--config", size, "--nomlm")
    else:
        directory = processes.export("export.encoder", "--config", size, "--nomlm", cwd=tmp_path)
    layers, hidden = SIZES[size]
    encoder = hub.load(str(directory))
    assert os.path.getsize(directory / "saved_model.pb") < 500_000
    count = sum(variable.shape.num_elements() for variable in encoder.variables)
    assert count == test_albert.PARAMETERS[size]
    if size == "large":
        found = [(table.name_of(v), v.shape.as_list()) for v in encoder.trainable_variables]
        assert found == test_albert.LARGE_VARIABLES
    inputs = {name: tf.ones([2, 7], tf.int32) for name in hub_api.ENCODER_INPUTS}
    outputs = encoder(inputs)
    assert outputs[hub_api.POOLED_OUTPUT].shape == [2, hidden]
    assert outputs[hub_api.SEQUENCE_OUTPUT].shape == [2, 7, hidden]
    assert len(outputs[hub_api.ENCODER_OUTPUTS]) == layers
    assert not tf.reduce_any(tf.math.is_nan(outputs[hub_api.SEQUENCE_OUTPUT]))
