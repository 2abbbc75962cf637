"""Asks TensorFlow Serving about texts, by REST and by gRPC: labels of a classifier, or vectors.

Serving reads `<base path>/<version>/`, the exporters' layout. Its official image has TF Text's ops,
which models of texts need:

    python -m export.text_model --checkpoint my_classifier --model_name my_classifier_text
    docker run --rm -p 8500:8500 -p 8501:8501 -e MODEL_NAME=my_classifier_text \\
        -v "$PWD/exports/my_classifier_text:/models/my_classifier_text" tensorflow/serving

    MODEL=my_classifier_text python examples/serve.py

Embedders and all text models that take `sentences` are asked alike. The same by hand:

    curl -d '{"instances": ["A fine film."]}' \\
        http://localhost:8501/v1/models/my_classifier_text:predict

gRPC needs `pip install tensorflow-serving-api`, which the extra `serving` has; `GRPC=` asks by REST
alone, as http_server.py answers. With `--serving_warmup` at the export, Serving warms up before the
first request.
"""

# %% Settings
import http.client
import json
import os
import sys
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf

MODEL = os.environ.get("MODEL", "embedder")
REST = os.environ.get("REST", "localhost:8501")
GRPC = os.environ.get("GRPC", "localhost:8500")  # empty: REST alone
if GRPC:
    try:
        import grpc
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    except ImportError as error:
        sys.exit(f"error: {error}: pip install -e '.[serving]', or set GRPC= for REST alone")

SENTENCES = ["The river rose slowly through the night.", "The café opens at seven."]

# %% REST: one instance for each text, one prediction for each instance
url = f"http://{REST}/v1/models/{MODEL}:predict"
request = {"signature_name": "serving_default", "instances": SENTENCES}
print(f"POST {url}\n{json.dumps(request)}")
try:
    with urllib.request.urlopen(url, data=json.dumps(request).encode(), timeout=60) as response:
        predictions = json.load(response)["predictions"]
except urllib.error.HTTPError as error:  # the server's own reason: no such model, other inputs
    reason = " ".join(error.read().decode(errors="replace").split())
    sys.exit(f"error: {url} refuses the request: {reason or error.reason}")
except OSError as error:
    reason = getattr(error, "reason", error)
    sys.exit(f"error: no server answers at {REST}, {reason}: start it, or set REST and GRPC")
except (ValueError, TypeError, KeyError, http.client.HTTPException) as error:
    sys.exit(f"error: what answers at {REST} is not TensorFlow Serving's REST API: {error!r}")

# A prediction is an object of outputs by name, or the output itself where there is only one.
by_name = [one if isinstance(one, dict) else {"default": one} for one in predictions]
rest_outputs = {name: np.array([one[name] for one in by_name]) for name in by_name[0]}
for name, values in rest_outputs.items():
    print(f"REST: {name} {list(values.shape)}")

# %% gRPC: the same in binary
outputs = rest_outputs
if GRPC:
    predict = predict_pb2.PredictRequest()
    predict.model_spec.name = MODEL
    predict.model_spec.signature_name = "serving_default"
    predict.inputs["sentences"].CopyFrom(tf.make_tensor_proto(SENTENCES))
    try:
        with grpc.insecure_channel(GRPC) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            reply = stub.Predict(predict, timeout=60)
    except grpc.RpcError as error:
        sys.exit(f"error: gRPC at {GRPC}: {error.code().name}: {error.details()}")
    outputs = {name: tf.make_ndarray(output) for name, output in reply.outputs.items()}
    for name, values in outputs.items():
        print(f"gRPC: {name} {list(values.shape)}")

    # %% Both give the same
    numbers = [name for name, values in outputs.items() if values.dtype.kind == "f"]
    difference = max(np.abs(outputs[name] - rest_outputs[name]).max() for name in numbers)
    print(f"largest difference: {difference:.1e}")

# %% The labels of a classifier
if outputs.keys() >= {"label", "score"}:
    labels = rest_outputs["label"].tolist()
    assert not GRPC or labels == [label.decode() for label in outputs["label"]]
    for text, label, score in zip(SENTENCES, labels, outputs["score"], strict=True):
        print(f"{label} {score:.3f}  {text}")
