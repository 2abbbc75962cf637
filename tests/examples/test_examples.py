"""Each example runs in its own process, and prints the results that it promises."""

import concurrent.futures
import contextlib
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

from tests.support import processes, sampling, text_models

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


@pytest.mark.stress
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


@pytest.mark.stress
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
    """Serving's REST API in rows: https://www.tensorflow.org/tfx/serving/api_rest

    Of a model with one input an instance is its value; of one output a prediction is its value, of
    several an object by name.
    """

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert set(body) == {"signature_name", "instances"}
        if self.path != "/v1/models/served:predict":
            self._reply(404, {"error": "Servable not found for request: Latest(other)"})
            return
        signature = self.server.model.signatures[body["signature_name"]]
        (input_name,) = signature.structured_input_signature[1]
        outputs = signature(**{input_name: tf.constant(body["instances"])})
        listed = {
            name: [
                one.decode() if isinstance(one, bytes) else one for one in output.numpy().tolist()
            ]
            for name, output in outputs.items()
        }
        assert {len(values) for values in listed.values()} == {len(body["instances"])}
        rows = [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]
        predictions = rows if len(listed) > 1 else next(iter(listed.values()))
        self._reply(200, {"predictions": predictions})

    def _reply(self, status, content):
        reply = json.dumps(content).encode()
        self.send_response(status)
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
        assert request.model_spec.name == "served"
        signature = self._model.signatures[request.model_spec.signature_name]
        given = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        reply = predict_pb2.PredictResponse()
        for name, value in signature(**{k: tf.constant(v) for k, v in given.items()}).items():
            reply.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return reply


@contextlib.contextmanager
def served(directory):
    """Yields settings for addresses where a model's signatures answer as Serving would.

    The server itself is in no package registry; what is asked of it is checked here by its own
    protocol buffers and the artifact's signature.
    """
    model = tf.saved_model.load(str(directory))
    rest = http.server.HTTPServer(("localhost", 0), _Rest)
    rest.model = model
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Grpc(model), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield {
            "MODEL": "served",
            "REST": f"localhost:{rest.server_port}",
            "GRPC": f"localhost:{port}",
        }
    finally:
        server.stop(None)
        rest.shutdown()
        rest.server_close()


@pytest.mark.stress
def test_serving_gives_vectors_by_rest_and_grpc(tiny_embedder, tmp_path):
    with served(tiny_embedder) as settings:
        output = run("serve.py", tmp_path, **settings)
    assert "REST: default [2, 32]" in output
    assert "gRPC: default [2, 32]" in output
    assert number("largest difference:", output) < 1e-6


def test_serving_gives_labels_of_a_classifier(tmp_path):
    with served(text_models.directory("single")) as settings:
        output = run("serve.py", tmp_path, **settings)
    sentences = ["The river rose slowly through the night.", "The café opens at seven."]
    expected = text_models.load("single")(tf.constant(sentences))
    lines = [
        f"{label.decode()} {score:.3f}  {sentence}"
        for label, score, sentence in zip(
            expected["label"].numpy(), expected["score"].numpy(), sentences, strict=True
        )
    ]
    assert output.splitlines()[-2:] == lines
    assert "REST: label [2]" in output and "gRPC: scores [2, 3]" in output


def test_without_a_server_or_such_a_model_there_is_one_clear_line(tiny_embedder, tmp_path):
    def fails(**settings):
        environment = processes.environment() | settings
        return processes.error(
            processes.python(EXAMPLES / "serve.py", cwd=tmp_path, env=environment)
        )

    with served(tiny_embedder) as settings:
        url = f"http://{settings['REST']}/v1/models/other:predict"
        assert re.fullmatch(
            rf"{url} refuses the request: .*Servable not found.*",
            fails(**settings | {"MODEL": "other"}),
        )
    # Now nothing listens there.
    assert re.fullmatch(
        rf"no server answers at {settings['REST']}, .*refused.*: start it, or set REST and GRPC",
        fails(**settings),
    )


class _Page(http.server.BaseHTTPRequestHandler):
    """A web server that is not TensorFlow Serving."""

    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>\nIt works!\n</html>")

    def log_message(self, *arguments):
        pass


@pytest.mark.stress
def test_what_is_not_serving_and_a_missing_package_are_one_clear_line_too(tmp_path):
    with http.server.HTTPServer(("localhost", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = processes.environment() | {"REST": f"localhost:{server.server_port}"}
        done = processes.python(EXAMPLES / "serve.py", cwd=tmp_path, env=environment)
        server.shutdown()
    assert "is not TensorFlow Serving's REST API: JSONDecodeError" in processes.error(done)
    (tmp_path / "grpc.py").write_text("raise ImportError('No module named grpc')")
    environment = processes.environment()
    environment["PYTHONPATH"] = f"{tmp_path}:{environment['PYTHONPATH']}"
    done = processes.python(EXAMPLES / "serve.py", cwd=tmp_path, env=environment)
    assert processes.error(done) == (
        "No module named grpc: pip install -e '.[serving]', or set GRPC= for REST alone"
    )


_WRONG = [
    ("answer_spans.py", {"STEPS": "few"}, "STEPS .*must be numbers: .*'few'"),
    ("answer_spans.py", {"PREPROCESSOR": "gone"}, "PREPROCESSOR must be .*: gone .*"),
    ("classify_sentence_pairs.py", {"EPOCHS": "1.5"}, "EPOCHS.* must be numbers: .*'1.5'"),
    (
        "classify_sentence_pairs.py",
        {"PREPROCESSOR": "gone"},
        "PREPROCESSOR must be .*: gone .*",
    ),
    ("classify_sentence_pairs.py", {"OUTPUT_DIR": "a_file"}, "OUTPUT_DIR .*: .*'a_file'"),
    ("nearest_sentences.py", {"EMBEDDER": "gone"}, "EMBEDDER must be .*: gone .*"),
    (
        "nearest_sentences.py",
        {"EMBEDDER": "{classifier}"},
        "EMBEDDER must be an exported embedder, not another model: /",
    ),
    ("nearest_sentences.py", {"SENTENCES_FILE": "gone"}, "SENTENCES_FILE .*: .*'gone'"),
    ("nearest_sentences.py", {"SENTENCES_FILE": "a_file"}, "SENTENCES_FILE is empty: a_file"),
]


# Without --stress one of each example, and of numbers, folders, models and files.
@sampling.parametrize(
    "name, settings, message", _WRONG, sample=[_WRONG[0], _WRONG[3], _WRONG[6], _WRONG[8]]
)
def test_wrong_settings_are_one_clear_line(name, settings, message, tmp_path):
    (tmp_path / "a_file").touch()
    classifier = text_models.directory("single")
    given = {key: value.format(classifier=classifier) for key, value in settings.items()}
    environment = processes.environment() | given
    done = processes.python(EXAMPLES / name, cwd=tmp_path, env=environment)
    assert re.search(message, processes.error(done))


def test_every_example_is_listed_and_every_listed_one_is_there():
    listed = re.findall(r"\]\((.+?)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert all((EXAMPLES / name).is_file() for name in listed)
    assert {path.name for path in EXAMPLES.glob("*.py")} <= set(listed)
