"""Requests that TensorFlow Serving runs when it loads a version, before it serves users.

Example:
    warmup_requests.write("exports/albert_en_large/1")

The first request to a graph is slow: TensorFlow optimizes the graph and allocates memory. Serving
replays the records of `assets.extra/tf_serving_warmup_requests`, each a `PredictionLog`:
https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from configs import hub_api
from export.metadata import manifest

FILE = "assets.extra/tf_serving_warmup_requests"

# Shapes of the requests, [rows, columns]: one short text, and a batch of long ones.
SHAPES = ((1, 16), (8, 128))
_CHOICES = 2  # of inputs [rows, choices, columns]


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
        _prediction_log(directory, name, signatures[name].inputs, rows, columns)
        for name in sorted(signatures)
        if not name.startswith("__")  # TensorFlow's own
        for rows, columns in SHAPES
        # Serving refuses a version whose warm-up fails.
        if columns <= config.get("max_position_embeddings", columns)
    ]


def _prediction_log(
    directory: str, signature: str, infos: Mapping[str, Any], rows: int, columns: int
) -> bytes:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for name, info in infos.items():
        rank = len(info.tensor_shape.dim)
        shape = [rows, *[_CHOICES] * (rank - 2), columns][:rank]
        if info.dtype == tf.string.as_datatype_enum:
            value = np.full(shape, manifest.sample_text(directory, columns))
        else:
            # Zero is valid as an id, a type and a position in every model.
            dtype = tf.dtypes.as_dtype(info.dtype).as_numpy_dtype
            value = np.full(shape, int(name == hub_api.INPUT_MASK), dtype)
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log.SerializeToString(deterministic=True)
