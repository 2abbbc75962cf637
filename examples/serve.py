"""Asks TensorFlow Serving for vectors of sentences, by REST and by gRPC.

Serving reads `<base path>/<version>/`, the exporters' layout. Its official image has TF Text's ops,
which the embedder needs:

    docker run --rm -p 8500:8500 -p 8501:8501 -e MODEL_NAME=embedder \\
        -v "$PWD/exports/embedder:/models/embedder" tensorflow/serving

    python examples/serve.py

With `python -m export.embedder --serving_warmup`, Serving warms up before the first request.
"""

# %% Settings
import json
import os
import urllib.request

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

MODEL = os.environ.get("MODEL", "embedder")
REST = os.environ.get("REST", "localhost:8501")
GRPC = os.environ.get("GRPC", "localhost:8500")
SENTENCES = ["The river rose slowly through the night.", "The café opens at seven."]

# %% REST: inputs and outputs by name
request = {"signature_name": "serving_default", "inputs": {"sentences": SENTENCES}}
print(f"POST http://{REST}/v1/models/{MODEL}:predict\n{json.dumps(request)}")
with urllib.request.urlopen(
    f"http://{REST}/v1/models/{MODEL}:predict", data=json.dumps(request).encode()
) as response:
    # The only output; several outputs, as an encoder's, are an object by name.
    rest_vectors = json.load(response)["outputs"]
print(f"REST: {len(rest_vectors)} vectors of {len(rest_vectors[0])} numbers")

# %% gRPC: the same in binary; pip install tensorflow-serving-api
predict = predict_pb2.PredictRequest()
predict.model_spec.name = MODEL
predict.model_spec.signature_name = "serving_default"
predict.inputs["sentences"].CopyFrom(tf.make_tensor_proto(SENTENCES))
with grpc.insecure_channel(GRPC) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    reply = stub.Predict(predict, timeout=60)
grpc_vectors = tf.make_ndarray(reply.outputs["default"])  # float32 [B, H]
print(f"gRPC: {grpc_vectors.shape[0]} vectors of {grpc_vectors.shape[1]} numbers")

# %% Both give the same vectors
difference = abs(grpc_vectors - rest_vectors).max()
print(f"largest difference: {difference:.1e}")
