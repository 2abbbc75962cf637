"""Requests that TensorFlow Serving runs when it loads a version, before it sends users there.

    serving_warmup.write("exports/albert_en_large/1")

The first request to a graph is slow: it is optimized, and memory is allocated. Serving replays the
records of `assets.extra/tf_serving_warmup_requests`, each a `PredictionLog`:
https://www.tensorflow.org/tfx/serving/saved_model_warmup

Its messages are in the package tensorflow-serving-api, which is written here in the wire format of
protobuf instead (https://protobuf.dev/programming-guides/encoding): three nested messages.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from configs import hub_api
from export.metadata import manifest

FILE = "assets.extra/tf_serving_warmup_requests"

# What is asked for, [rows, columns]: a lone short request, and a batch of long ones.
SHAPES = ((1, 16), (8, 128))

# Field numbers, from tensorflow_serving/apis: prediction_log.proto, predict.proto, model.proto.
_LOG_PREDICT = 6  # PredictionLog.predict_log
_PREDICT_REQUEST = 1  # PredictLog.request
_REQUEST_MODEL, _REQUEST_INPUTS = 1, 2  # PredictRequest.model_spec, .inputs
_MODEL_SIGNATURE = 3  # ModelSpec.signature_name
_MAP_KEY, _MAP_VALUE = 1, 2


def write(directory: str) -> None:
    """Writes requests for every signature of the SavedModel in `directory`."""
    path = os.path.join(directory, FILE)
    with tf.io.TFRecordWriter(path) as writer:
        for record in _records(directory):
            writer.write(record)


def _records(directory: str) -> list[bytes]:
    with open(os.path.join(directory, "saved_model.pb"), "rb") as file:
        model = saved_model_pb2.SavedModel.FromString(file.read())
    signatures = model.meta_graphs[0].signature_def
    config = manifest.read(directory).get("config", {})
    return [
        _prediction_log(name, _inputs(signatures[name].inputs, rows, columns))
        for name in sorted(signatures)
        if not name.startswith("__")  # the saver's own
        for rows, columns in SHAPES
        # A request that fails would keep Serving from taking the version.
        if columns <= config.get("max_position_embeddings", columns)
    ]


def _inputs(infos: Mapping[str, Any], rows: int, columns: int) -> dict[str, bytes]:
    """Returns serialized `TensorProto` by the name of the input."""
    tensors = {}
    for name, info in infos.items():
        shape = [rows, columns][: len(info.tensor_shape.dim)]
        dtype = tf.dtypes.as_dtype(info.dtype).as_numpy_dtype
        if info.dtype == tf.string.as_datatype_enum:
            value = np.full(shape, "word " * columns)
        else:
            # Zero is valid as an id, a type and a position in every model.
            value = np.full(shape, int(name == hub_api.INPUT_MASK), dtype)
        tensors[name] = tf.make_tensor_proto(value).SerializeToString(deterministic=True)
    return tensors


def _prediction_log(signature: str, inputs: dict[str, bytes]) -> bytes:
    model = _field(_MODEL_SIGNATURE, signature.encode())
    request = _field(_REQUEST_MODEL, model)
    for name, tensor in sorted(inputs.items()):
        entry = _field(_MAP_KEY, name.encode()) + _field(_MAP_VALUE, tensor)
        request += _field(_REQUEST_INPUTS, entry)
    return _field(_LOG_PREDICT, _field(_PREDICT_REQUEST, request))


def _field(number: int, value: bytes) -> bytes:
    """Returns a field whose value has a length: a string or a message."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
