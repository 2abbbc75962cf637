"""KServe, in another process, answers with a text model as TensorFlow Serving's REST API."""

import asyncio
import contextlib
import json
import runpy
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
import tensorflow as tf

from tests.support import processes, sampling, text_models

EXAMPLES = processes.REPOSITORY / "examples"
SENTENCES = ["The river rose slowly through the night.", "The café opens at seven."]


@contextlib.contextmanager
def served(directory, cwd):
    """Yields the address of examples/http_server.py, which ends well on SIGTERM."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    settings = {"MODEL_DIR": str(directory), "MODEL": "served", "PORT": str(port)}
    server = processes.start(
        EXAMPLES / "http_server.py",
        cwd=cwd,
        forked=True,
        env=processes.environment() | settings,
        stderr=subprocess.STDOUT,
    )
    try:
        said = []
        for line in server.stdout:
            said.append(line)
            if "Uvicorn running" in line:
                break
        else:
            pytest.fail("".join(said))
        threading.Thread(target=server.stdout.read, daemon=True).start()  # the pipe never fills
        yield f"localhost:{port}"
        server.terminate()
        assert server.wait() == 0
    finally:
        server.kill()


def answer(address, body, *, model="served", **headers):
    """Returns the status and the parsed reply to a POST."""
    request = urllib.request.Request(
        f"http://{address}/v1/models/{model}:predict", data=body.encode(), headers=headers
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served(text_models.directory("single"), tmp_path_factory.mktemp("server")) as address:
        yield address


def test_labels_are_those_of_the_signature_with_and_without_a_content_type(address):
    body = json.dumps({"instances": SENTENCES})
    status, reply = answer(address, body)  # as curl -d sends it
    assert status == 200
    assert (status, reply) == answer(address, body, **{"Content-Type": "application/json"})
    expected = text_models.serve("single", sentences=SENTENCES)
    rows = reply["predictions"]
    assert [row["label"].encode() for row in rows] == expected["label"].tolist()
    scores = [row["scores"] for row in rows]
    np.testing.assert_allclose(scores, expected["scores"], atol=1e-6)
    named = json.dumps({"instances": [{"sentences": one} for one in SENTENCES]})
    assert answer(address, named) == (status, reply)


@pytest.mark.parametrize(
    "body, error",
    [
        ('{"instances": []}', "the request needs instances, a list of at least one"),
        ("[1]", "the request must be an object"),
        ("nonsense", "Expecting value"),
        ("", "the request is not JSON"),
        ('{"instances": ["a", null]}', "sentences must be texts"),
        ('{"instances": [["a"], ["b"]]}', "sentences must be texts"),
        ('{"instances": ' + "[" * 900 + "]" * 900 + "}", "sentences must be texts"),
        ('{"instances": ' + "[" * 100_000, "recursion"),
        ('{"instances": ["\\ud800"]}', "nicode"),
        ('{"instances": [{"texts": "a"}]}', "an instance needs sentences, got {'texts': 'a'}"),
        ('{"instances": ["a"], "signature_name": []}', "must be of ['pairs', 'serving_default']"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(address, body, error):
    status, reply = answer(address, body)
    assert status == 400
    assert error in reply["error"]


def test_another_model_is_not_found(address):
    assert answer(address, '{"instances": ["a"]}', model="other")[0] == 404


def test_several_inputs_come_by_name(address):
    pairs = [{"first": SENTENCES[0], "second": SENTENCES[1]}]
    status, reply = answer(address, json.dumps({"signature_name": "pairs", "instances": pairs}))
    assert status == 200
    expected = text_models.load("single").signatures["pairs"](
        first=tf.constant(SENTENCES[:1]), second=tf.constant(SENTENCES[1:])
    )
    np.testing.assert_allclose(
        reply["predictions"][0]["scores"], expected["scores"].numpy()[0], atol=1e-6
    )


@pytest.mark.parametrize(
    "ids, error",
    [
        ([[2, 4294967306, 3]], "input_mask must be numbers of type int32"),
        ([[2, True, 3], [2, 0.5, 3]], "input_mask must be numbers of type int32"),
        ([[2, 2**70, 3]], "input_mask must be numbers of type int32"),
        ([[True, True]], "input_mask must be numbers of type int32"),
        ([["2", "3"]], "input_mask must be numbers of type int32"),
        ([[]], "input_mask must be numbers of type int32"),
        ([[2, 3], [2]], "inhomogeneous"),
        ([2, 3], r"input_mask must be \(None, None\), got \(2,\)"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(loaded_encoder, ids, error):
    example = runpy.run_path(str(EXAMPLES / "http_server.py"))
    signature = loaded_encoder.signatures["serving_default"]
    names = ("input_word_ids", "input_mask", "input_type_ids")
    with pytest.raises(ValueError, match=error):
        example["predictions"](signature, [dict.fromkeys(names, row) for row in ids])


def test_ids_give_what_the_signature_gives(loaded_encoder):
    example = runpy.run_path(str(EXAMPLES / "http_server.py"))
    signature = loaded_encoder.signatures["unpadded"]
    row = {"input_word_ids": [2, 5, 3], "input_mask": [1, 1, 1], "input_type_ids": [0, 0, 0]}
    (found,) = example["predictions"](signature, [row])
    expected = signature(**{name: tf.constant([values]) for name, values in row.items()})
    np.testing.assert_array_equal(found["default"], expected["default"].numpy()[0])


@sampling.parametrize(
    ("name", "key"), [("tag", "text"), ("fill_mask", "tokens")], sample=[("tag", "text")]
)
def test_lists_of_strings_are_text(name, key):
    example = runpy.run_path(str(EXAMPLES / "http_server.py"))
    sentences = ["The river [MASK] slowly.", "Numbers like 1,234."]
    sentences = sentences[: 1 if name == "fill_mask" else 2]
    signature = text_models.load(name).signatures["serving_default"]
    rows = json.loads(json.dumps(example["predictions"](signature, sentences)))
    expected = text_models.serve(name, sentences=sentences)[key].tolist()
    assert [[one.encode() for one in row[key]] for row in rows] == expected


def test_the_signature_whose_rows_are_entities_is_refused():
    example = runpy.run_path(str(EXAMPLES / "http_server.py"))
    model = example["SavedModel"]("tagger", text_models.directory("tag"))
    request = {"signature_name": "entities", "instances": ["The river rose."]}
    with pytest.raises(example["kserve"].errors.InvalidInput, match="a row for each entity"):
        asyncio.run(model.predict(request))


def test_a_model_without_signatures_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "plain"))
    example = runpy.run_path(str(EXAMPLES / "http_server.py"))
    with pytest.raises(ValueError, match="has no signatures"):
        example["SavedModel"]("plain", str(tmp_path / "plain"))


def test_the_example_of_a_client_prints_the_labels(address, tmp_path):
    environment = processes.environment() | {"MODEL": "served", "REST": address, "GRPC": ""}
    done = processes.python(EXAMPLES / "serve.py", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    expected = text_models.serve("single", sentences=SENTENCES)
    assert done.stdout.splitlines()[-2:] == [
        f"{label.decode()} {score:.3f}  {sentence}"
        for label, score, sentence in zip(
            expected["label"], expected["score"], SENTENCES, strict=True
        )
    ]


_WRONG = [
    ({"MODEL_DIR": "gone"}, "MODEL_DIR must be a SavedModel: gone"),
    ({"PORT": "http"}, "PORT must be the number of a free port"),
    ({"PORT": "99999"}, "PORT must be the number of a free port"),
]


@sampling.parametrize("settings, error", _WRONG, sample=_WRONG[2:])
def test_wrong_settings_are_one_clear_line(settings, error, tmp_path):
    done = processes.python(
        EXAMPLES / "http_server.py", cwd=tmp_path, env=processes.environment() | settings
    )
    assert processes.error(done).startswith(error)
