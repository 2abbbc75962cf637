"""Each example runs in its own process, and prints the results that it promises."""

import concurrent.futures
import http.server
import json
import re
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the embedder's ops
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.support import processes

EXAMPLES = processes.REPOSITORY / "examples"


def run(name, cwd, **settings):
    """Runs an example, which must succeed, with settings as environment variables."""
    environment = processes.environment() | {key: str(value) for key, value in settings.items()}
    done = processes.python(EXAMPLES / name, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def number(after, output):
    """Returns the number that follows some words."""
    return float(re.search(re.escape(after) + r" (\S+)", output)[1])


def test_pairs_of_sentences_are_classified_on_two_devices(
    tiny_encoder, tiny_preprocessor, tmp_path
):
    output = run(
        "classify_sentence_pairs.py",
        tmp_path,
        ENCODER=tiny_encoder,
        PREPROCESSOR=tiny_preprocessor,
        OUTPUT_DIR=tmp_path / "classifier",
        EPOCHS=30,
        BATCH_SIZE=8,
        LEARNING_RATE=3e-3,
        LOGICAL_CPUS=2,
    )
    assert number("replicas:", output) == 2
    assert number("accuracy on 16 pairs that were not trained on:", output) > 0.9
    assert number("largest difference of the saved model's logits:", output) < 1e-5
    assert (tmp_path / "classifier" / "saved_model.pb").exists()


def test_questions_are_answered_by_bytes_of_the_text(tiny_encoder, tiny_preprocessor, tmp_path):
    output = run(
        "answer_spans.py",
        tmp_path,
        ENCODER=tiny_encoder,
        PREPROCESSOR=tiny_preprocessor,
        STEPS=120,
        LEARNING_RATE=3e-3,
    )
    assert number("right answers to 60 questions that were not trained on:", output) > 0.9
    # With case and accents, which the tokenizer removes.
    assert re.search(r"live\? (Zürich|São Paulo|Kraków|Málaga)\n", output)


def test_the_nearest_sentences_come_in_order_and_can_be_read_from_a_file(tiny_embedder, tmp_path):
    sentences = ["Bread and salt.", "A boat of paper.", "Snow on the café.", "An old violin."]
    (tmp_path / "sentences.txt").write_text("\n".join(sentences), encoding="utf-8")
    output = run(
        "nearest_sentences.py",
        tmp_path,
        EMBEDDER=tiny_embedder,
        SENTENCES_FILE="sentences.txt",
        QUERY="SNOW on the cafe.",  # the same to the tokenizer
        TOP_K=3,
    )
    vectors = hub.load(str(tiny_embedder))(tf.constant(sentences)).numpy()
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors[2]
    order = np.argsort(-cosines)[:3]
    assert order[0] == 2
    assert output.splitlines() == [f"{cosines[one]:.3f}  {sentences[one]}" for one in order]


class _Rest(http.server.BaseHTTPRequestHandler):
    """Serving's REST API in columns: https://www.tensorflow.org/tfx/serving/api_rest"""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/models/embedder:predict"
        assert set(body) == {"signature_name", "inputs"}
        signature = self.server.model.signatures[body["signature_name"]]
        given = {name: tf.constant(value) for name, value in body["inputs"].items()}
        (output,) = signature(**given).values()
        reply = json.dumps({"outputs": output.numpy().tolist()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *arguments):
        pass


class _Grpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Serving's own protocol buffers, answered by the artifact's signature."""

    def __init__(self, model):
        self._model = model

    def Predict(self, request, context):  # noqa: N802, Serving's name
        assert request.model_spec.name == "embedder"
        signature = self._model.signatures[request.model_spec.signature_name]
        given = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        reply = predict_pb2.PredictResponse()
        for name, value in signature(**{k: tf.constant(v) for k, v in given.items()}).items():
            reply.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return reply


@pytest.fixture
def served(tiny_embedder):
    """Addresses of REST and gRPC where the embedder's signatures answer as Serving would.

    The server itself is in no package registry; what is asked of it is checked here by its own
    protocol buffers and the artifact's signature.
    """
    model = tf.saved_model.load(str(tiny_embedder))
    rest = http.server.HTTPServer(("localhost", 0), _Rest)
    rest.model = model
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Grpc(model), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield {"REST": f"localhost:{rest.server_port}", "GRPC": f"localhost:{port}"}
    server.stop(None)
    rest.shutdown()
    rest.server_close()


def test_requests_to_serving_fit_the_signature_by_rest_and_grpc(served, tmp_path):
    output = run("serve.py", tmp_path, **served)
    assert "REST: 2 vectors of 32 numbers" in output
    assert "gRPC: 2 vectors of 32 numbers" in output
    assert number("largest difference:", output) < 1e-6


def test_every_example_is_listed_and_every_listed_one_is_there():
    listed = re.findall(r"\]\((.+?)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert all((EXAMPLES / name).is_file() for name in listed)
    assert {path.name for path in EXAMPLES.glob("*.py")} <= set(listed)
