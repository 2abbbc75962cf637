"""`hf://`: through a local server that answers as the hub does, and from the cache without one."""

import hashlib
import http.server
import json
import os
import shutil
import socket
import sys
import threading

import numpy as np
import pytest

from configs import errors
from export.checkpoints import opening, restore
from export.checkpoints.readers import hugging_face_download, sentence_transformers
from tests.support import cases, checkpoints, processes, sampling

pytest.importorskip(
    "huggingface_hub", reason="huggingface_hub is not installed: hf:// is not tested"
)

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_OTHER_COMMIT = "fedcba9876543210fedcba9876543210fedcba98"


class _Hub(http.server.ThreadingHTTPServer):
    """Serves folders as models: `models` maps "org/name" to a folder; `gated` are refused."""

    def __init__(self, models, gated=()):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models, self.gated, self.requests = models, gated, []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, with_body):
        path = self.path.split("?")[0].strip("/")
        self.server.requests.append(path)
        parts = path.split("/")
        is_api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if is_api else parts[:2])
        if name in self.server.gated:
            return self._send(403, b"", {"X-Error-Code": "GatedRepo"}, with_body)
        if name not in self.server.models:
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, with_body)
        folder = self.server.models[name]
        revision = parts[5] if is_api and len(parts) > 5 else parts[3] if not is_api else "main"
        commits = {"main": _COMMIT, "v2": _OTHER_COMMIT, _COMMIT: _COMMIT}
        if revision not in {*commits, *commits.values()}:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, with_body)
        commit = commits.get(revision, revision)
        files = {
            str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()
        }
        if is_api:
            body = {"id": name, "sha": commit, "siblings": [{"rfilename": f} for f in files]}
            if parts[4:5] == ["tree"]:  # newer versions of the library ask for this as well
                body = [_tree_entry(path, file) for path, file in files.items()]
            json_type = {"Content-Type": "application/json"}
            return self._send(200, json.dumps(body).encode(), json_type, with_body)
        file = files.get("/".join(parts[4:]))
        if file is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, with_body)
        content = file.read_bytes()
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": commit,
            "X-Linked-Size": str(len(content)),
        }
        return self._send(200, content, headers, with_body)

    def _send(self, status, body, headers, with_body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _tree_entry(path, file):
    content = file.read_bytes()
    return {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
    }


@pytest.fixture
def hub(golden_root):
    server = _Hub(
        {
            "org/albert": golden_root / "tiny" / "hf",
            "org/keras": golden_root / "tiny" / "keras_hub" / "preset",
            "org/empty": golden_root / "tiny" / "tf1",
        },
        gated=("org/gated",),
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _open(uri, *, endpoint, home, offline=False):
    """Opens in a process of its own: the library reads its environment when it is imported."""
    program = (
        "import sys\n"
        "from configs import errors\n"
        "from export.checkpoints import opening, restore\n"
        "try:\n"
        "    source = opening.open(sys.argv[1])\n"
        "except errors.CheckpointError as error:\n"
        "    sys.exit(f'error: {error}')\n"
        "names = sorted(restore.read(source, config=source.config))\n"
        "print(source.format, source.repository, len(names), *source.files, sep='\\n')\n"
    )
    environment = {
        **processes.environment(),
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "5",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    if offline:
        environment["HF_HUB_OFFLINE"] = "1"
    return processes.python("-c", program, uri, env=environment)


def test_model_is_fetched_once_and_then_found_offline(hub, tmp_path):
    done = _open("hf://org/albert", endpoint=hub.endpoint, home=tmp_path)
    assert done.returncode == 0, done.stderr
    kind, repository, count, file = done.stdout.splitlines()
    assert (kind, repository, count) == ("huggingface", f"org/albert@{_COMMIT}", "32")
    assert os.path.basename(file) == "model.safetensors"
    fetched = {path for path in hub.requests if "/resolve/" in path}
    assert not any(path.endswith((".bin", ".npz", ".txt")) for path in fetched)

    hub.requests.clear()
    again = _open("hf://org/albert", endpoint=hub.endpoint, home=tmp_path, offline=True)
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    assert not hub.requests


@pytest.mark.stress
def test_revision_is_honoured(hub, tmp_path):
    done = _open("hf://org/albert@v2", endpoint=hub.endpoint, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == f"org/albert@{_OTHER_COMMIT}"


@pytest.mark.stress
def test_a_keras_hub_preset_on_the_hub_is_read_too(hub, tmp_path):
    done = _open("hf://org/keras", endpoint=hub.endpoint, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "keras_hub"


def _sentence_transformers(folder):
    """Makes a folder with a dense layer in two formats, and files that nothing needs."""
    shutil.copytree(cases.ROOT / "sentence_transformers_root", folder)
    modules = json.loads((folder / "modules.json").read_text())
    dense = {"path": "3_Dense", "type": "sentence_transformers.models.Dense"}
    modules.insert(2, dense)
    (folder / "modules.json").write_text(json.dumps(modules))
    shutil.copytree(folder / "1_Pooling", folder / "3_Dense")
    (folder / "3_Dense" / "config.json").write_text("{}")
    for name in ("onnx", "4_Dense"):
        (folder / name).mkdir()
    layer = {"linear.weight": np.eye(32, dtype=np.float32), "linear.bias": np.ones(32, np.float32)}
    for name in ("3_Dense", "4_Dense"):
        checkpoints.write_safetensors(folder / name / "model.safetensors", layer)
    for name in ("3_Dense/pytorch_model.bin", "pytorch_model.bin", "onnx/model.onnx", "README.md"):
        (folder / name).write_text("not needed")


def test_a_folder_of_sentence_transformers_is_fetched_with_its_parts(hub, tmp_path):
    local = tmp_path / "local"
    _sentence_transformers(local)
    hub.models["org/vectors"] = local
    done = _open("hf://org/vectors", endpoint=hub.endpoint, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    folder = os.path.dirname(done.stdout.splitlines()[-1])
    fetched = sentence_transformers.read(folder).pooling
    assert (fetched.modes, fetched.normalize) == (("mean",), True)
    assert fetched.dense[0].kernel.tolist() == np.eye(32).tolist()
    names = {path.rpartition(_COMMIT)[2] for path in hub.requests if "/resolve/" in path}
    assert names >= {"/config_sentence_transformers.json", "/sentence_bert_config.json"}
    weights = {name for name in names if name.endswith((".safetensors", ".bin", ".onnx", ".md"))}
    assert weights == {"/model.safetensors", "/3_Dense/model.safetensors"}


_ABSENT = [
    ("hf://org/absent", False, "RepositoryNotFound"),
    ("hf://org/albert@v9", False, "RevisionNotFound"),
    ("hf://org/gated", False, "GatedRepo"),
    ("hf://org/empty", False, "none of the weights"),
    ("hf://org/albert", True, "cannot be had"),
]


@sampling.parametrize(("uri", "offline", "reason"), _ABSENT, sample=[_ABSENT[2], _ABSENT[4]])
def test_what_cannot_be_had_is_one_clear_error(hub, tmp_path, uri, offline, reason):
    done = _open(uri, endpoint=hub.endpoint, home=tmp_path, offline=offline)
    last_line = processes.error(done)
    assert uri in last_line and reason in last_line


def test_no_network_is_one_clear_error(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = _open("hf://org/albert", endpoint=endpoint, home=tmp_path)
    assert processes.error(done).startswith("'hf://org/albert' cannot be had")


@pytest.mark.parametrize("uri", ["hf://", "hf://a/b/c", "hf://org/name@", "hf://../x y"])
def test_a_malformed_uri_is_refused(uri):
    with pytest.raises(errors.CheckpointError, match=r"must be hf://org/name\[@revision\]"):
        opening.open(uri)


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(errors.CheckpointError, match="pip install huggingface_hub"):
        hugging_face_download.download("hf://org/name")


def test_weights_on_the_hub_equal_those_on_disk(hub, golden_root, tmp_path, monkeypatch):
    done = _open("hf://org/albert", endpoint=hub.endpoint, home=tmp_path)
    fetched = opening.open(os.path.dirname(done.stdout.splitlines()[-1]))
    local = opening.open(str(golden_root / "tiny" / "hf"))
    expected = restore.read(local, config=local.config)
    got = restore.read(fetched, config=fetched.config)
    assert {name: value.tobytes() for name, value in got.items()} == {
        name: value.tobytes() for name, value in expected.items()
    }
