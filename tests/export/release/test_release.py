"""The release command's files are loaded, checked and verified as users do it.

`pytest --stress` runs the counts that the project's notes report; without it the same code runs
samples of them.
"""

import functools
import http.server
import json
import random
import shutil
import subprocess
import threading

import numpy as np
import pytest

from export.metadata import checksums, manifest
from export.release import signing, tarball
from tests.export.release import test_provenance, test_signing
from tests.support import golden, processes, sampling

MODEL = golden.MODELS["tiny"]
ENCODER = {
    "name": "albert",
    "kind": "encoder",
    "version": 3,
    "checkpoint": "tiny/hf",
    "sp_model_file": "tiny/tf1/30k-clean.model",
}
PREPROCESSOR = {
    "name": "preprocess",
    "kind": "preprocessor",
    "version": 1,
    "checkpoint": "tiny/hf",
    "sp_model_file": "tiny/tf1/30k-clean.model",
}
EMBEDDER = {
    "name": "embed",
    "kind": "embedder",
    "version": 1,
    "encoder": "albert/3",
    "preprocessor": "preprocess/1",
    "options": {"pooling": "mean", "max_seq_length": 16},
}
# Its exporter fails.
FAILING = {**ENCODER, "name": "failing", "options": {"compute_dtype": "float8"}}
TARBALL = "org/albert/3.tar.gz"
# With --stress the encoder is converted, too: seven seconds for each. `test_formats.py` copies.
_FORMATS = ("onnx-int8", "litert", "openvino-float16", "huggingface")
# Without it the models are not verified, three to nine seconds of CPU for each, and there is no
# embedder.
_WITHOUT_VERIFY = """
import runpy
from export.release import command_runner

run = command_runner.CommandRunner.run

def run_others(self, module, *arguments, **options):
    if module != "export.verify":
        return run(self, module, *arguments, **options)
    (path,) = (one.partition("=")[2] for one in arguments if one.startswith("--results="))
    with open(path, "w") as results:
        results.write('{"checks": ["it loads"]}')
    return ""

command_runner.CommandRunner.run = run_others
runpy.run_module("export.release", run_name="__main__", alter_sys=True)
"""


def _release(root, *listed, key=None, verifies=True):
    (root / "models.json").write_text(json.dumps({"models": listed}))
    arguments = ["--models=models.json", "--publisher=org", "--jobs=2"]
    arguments += [f"--signing_key={key}"] if key else []
    command = ("-m", "export.release") if verifies else ("-c", _WITHOUT_VERIFY)
    return processes.python(*command, *arguments, cwd=root)


@pytest.fixture(scope="module")
def labels(stress):
    """The formats of the encoder."""
    return _FORMATS if stress else ()


@pytest.fixture(scope="module")
def others(stress):
    """The models beside the encoder that do not fail."""
    return [PREPROCESSOR, EMBEDDER] if stress else [PREPROCESSOR]


@pytest.fixture(scope="module")
def released(labels, others, stress, tmp_path_factory):
    """Folder of a release with one model that fails, and the output of the command."""
    root = tmp_path_factory.mktemp("release")
    golden.copy(MODEL, root)
    key, _ = test_signing.write_keys(root)
    encoder = ENCODER | {"formats": labels}
    done = _release(root, encoder, FAILING, *others, key=key, verifies=stress)
    return root, done


@pytest.fixture(scope="module")
def dist(released):
    root, _ = released
    return root / "dist"


@pytest.fixture
def copy(released, tmp_path):
    """A copy of the release, to change."""
    return shutil.copytree(released[0], tmp_path / "copy")


@pytest.fixture(scope="module")
def names(labels, others):
    """The models that do not fail, with their versions, in the order of the release."""
    converted = [f"albert-{label}/3" for label in labels]
    return ["albert/3", *converted, *(f"{one['name']}/1" for one in others)]


def test_a_failing_model_is_named_and_does_not_stop_the_others(released, names):
    root, done = released
    last_line = processes.error(done)
    assert done.stdout.splitlines() == [f"dist/org/{name}.tar.gz" for name in names]
    assert last_line.startswith(f"1 of {len(names) + 1} models failed: failing/3: ")
    assert "float8" in last_line
    assert not (root / "dist" / "org" / "failing").exists()
    # A log has lines, then the table.
    assert "\r" not in done.stderr and "\x1b" not in done.stderr
    table = [line for line in done.stderr.splitlines() if " preprocessor " in line]
    assert len(table) == 1 and "released" in table[0]


def test_a_folder_that_is_a_pattern_to_tensorflow_is_refused_before_anything_is_built(tmp_path):
    done = processes.run(
        *("export.release", "--configs=tiny", "--publisher=org", "--output_dir=d [1]"),
        cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )
    assert processes.error(done).startswith("--output_dir must not have '[' in its path")
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_the_work(dist):
    names = {path.name for path in dist.rglob("*")}
    assert not {name for name in names if name.startswith(".")}
    assert {"SHA256SUMS", "index.html", "3.md", "3.html", "3.intoto.json", "3.sig"} <= names


def test_sha256sum_checks_every_file_but_signatures(dist):
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("sha256sum is not installed")
    subprocess.run([tool, "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=dist, check=True)
    listed = {line.split("  ", 1)[1] for line in (dist / "SHA256SUMS").read_text().splitlines()}
    found = {path.relative_to(dist).as_posix() for path in dist.rglob("*") if path.is_file()}
    unlisted = {name for name in found - listed if name != "SHA256SUMS"}
    assert unlisted == {name for name in found if name.endswith(".sig")}


def test_model_signings_command_verifies_every_signature(released, names, dist):
    signed = [path for path in dist.rglob("*") if path.name.endswith(".tar.gz")]
    signed.append(dist / "SHA256SUMS")
    assert len(signed) == len(names) + 1
    for path in signed:
        beside = path.name.removesuffix(".tar.gz") + ".sig"
        assert test_signing.verify(path, path.with_name(beside), released[0] / "key.pub")


def test_statements_are_valid_and_name_what_the_model_was_made_from(dist):
    stated, provenance = test_provenance.parsed((dist / "org/albert/3.intoto.json").read_text())
    (subject,) = stated.subject
    assert subject.name == TARBALL
    assert subject.digest["sha256"] == checksums.sha256(str(dist / TARBALL))
    found = {
        dependency.name: dependency.digest
        for dependency in provenance.build_definition.resolved_dependencies
    }
    for name, path in {
        "checkpoint/model.safetensors": MODEL.directory / "hf" / "model.safetensors",
        "tokenizer/30k-clean.model": golden.VOCABULARY,
    }.items():
        assert found[name]["sha256"] == checksums.sha256(str(path))
    assert {"source", "tensorflow", "numpy", "absl-py"} <= found.keys()


@pytest.mark.stress
def test_the_statement_of_an_embedder_names_the_tarballs_of_its_parts(dist):
    _, provenance = test_provenance.parsed((dist / "org/embed/1.intoto.json").read_text())
    parts = {
        dependency.name: dependency.digest["sha256"]
        for dependency in provenance.build_definition.resolved_dependencies
        if dependency.name.endswith(".tar.gz")
    }
    assert parts == {
        name: checksums.sha256(str(dist / "org" / name))
        for name in ("albert/3.tar.gz", "preprocess/1.tar.gz")
    }


@pytest.mark.stress
def test_formats_are_of_the_encoders_tarball_and_on_its_page(dist, labels, tmp_path):
    tarball.unpack(str(dist / TARBALL), str(tmp_path / "encoder"))
    page = (dist / "org/albert/3.md").read_text()
    for label in labels:
        directory = tmp_path / label
        tarball.unpack(str(dist / f"org/albert-{label}/3.tar.gz"), str(directory))
        content = manifest.read(str(directory))
        sums = tmp_path / "encoder" / checksums.FILE
        assert content["source_sha256"] == checksums.sha256(str(sums))
        assert "-".join([content["format"], content["quantize"]]).startswith(label)
        assert not checksums.problems(str(directory))
        assert f"| `{label}` | " in page
        assert f"org/albert-{label}/3.tar.gz" in page


class _Host(http.server.SimpleHTTPRequestHandler):
    """A host of static files that maps TensorFlow Hub's query to a file."""

    def do_GET(self):
        self.path = self.path.replace("?tf-hub-format=compressed", ".tar.gz")
        super().do_GET()

    def log_message(self, *_):
        pass


_LOAD = """
import sys
import numpy as np, tensorflow_hub as hub
inputs = dict(np.load("inputs.npz"))
outputs = hub.load(sys.argv[1])({name: inputs[name] for name in sys.argv[2:]})
np.savez("outputs.npz", **{name: outputs[name] for name in ("pooled_output", "sequence_output")})
"""


def test_hub_loads_it_from_a_host_and_it_computes_what_the_original_does(dist, tmp_path):
    inputs = golden.inputs(MODEL)
    np.savez(tmp_path / "inputs.npz", **inputs)
    names = [name for name in inputs if name != "masked_lm_positions"]
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Host, directory=str(dist))
    )
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/org/albert/3"
        environment = processes.environment() | {"TFHUB_CACHE_DIR": str(tmp_path / "cache")}
        done = processes.python("-c", _LOAD, address, *names, cwd=tmp_path, env=environment)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    expected = golden.expected(MODEL)
    with np.load(tmp_path / "outputs.npz") as outputs:
        for name in outputs:
            np.testing.assert_allclose(
                outputs[name], expected[name], atol=golden.ATOL, rtol=golden.RTOL
            )


def test_what_is_complete_is_kept_as_it_is(copy, others):
    before = processes.contents(copy / "dist")
    done = _release(copy, ENCODER, *others, key="key.pem")
    assert done.returncode == 0, done.stderr
    assert "exporting" not in done.stderr
    assert done.stderr.count(": kept, ") == 1 + len(others)
    assert processes.contents(copy / "dist") == before


def test_a_signature_is_added_to_what_is_complete(copy):
    (copy / "dist/org/albert/3.sig").unlink()
    before = processes.contents(copy / "dist")
    assert _release(copy, ENCODER, key="key.pem").returncode == 0
    tarball, beside = copy / "dist" / TARBALL, copy / "dist/org/albert/3.sig"
    assert test_signing.verify(tarball, beside, copy / "key.pub")
    after = processes.contents(copy / "dist")
    assert after.keys() - before.keys() == {"org/albert/3.sig"}
    assert {name: after[name] for name in before} == before


_CHANGES = [
    ({"options": {"mlm": False}}, "options was {} and is {'mlm': False}"),
    ({"checkpoint": "tiny/tf1/model.ckpt-best"}, "weights was"),
]


@sampling.parametrize(("change", "message"), _CHANGES, sample=_CHANGES[:1])
def test_other_inputs_under_a_version_that_exists_are_refused(copy, change, message):
    before = processes.contents(copy / "dist")
    done = _release(copy, ENCODER | change, PREPROCESSOR)
    last_line = processes.error(done)
    assert last_line.startswith("1 of 2 models failed: albert/3: it was released from other")
    assert message in last_line
    assert processes.contents(copy / "dist") == before


@pytest.mark.stress
def test_formats_that_are_made_again_have_the_same_bytes(copy, labels):
    before = processes.contents(copy / "dist")
    for label in labels:
        (copy / f"dist/org/albert-{label}/3.tar.gz").unlink()
    done = _release(copy, ENCODER | {"formats": labels}, key="key.pem")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": exporting") == len(labels)
    after = processes.contents(copy / "dist")
    signatures = {name for name in after if name.endswith(".sig")}
    assert {name: after[name] for name in after.keys() - signatures} == {
        name: before[name] for name in before.keys() - signatures
    }


@pytest.mark.stress
def test_a_lost_tarball_comes_back_or_is_refused(copy):
    """A version that is built again has the released bytes, or is not published."""
    (copy / "dist" / "org" / "preprocess" / "1.tar.gz").unlink()
    done = _release(copy, PREPROCESSOR | {"options": {"default_seq_length": 32}})
    assert "it was released before with sha256" in processes.error(done)
    assert not (copy / "dist" / "org" / "preprocess" / "1.tar.gz").exists()


@pytest.mark.parametrize("name", [TARBALL, "org/albert/3.intoto.json"])
def test_damage_since_the_last_release_is_found(copy, name):
    """Also a change of a version that is no longer in the list."""
    path = copy / "dist" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    before = processes.contents(copy / "dist")
    for listed in ([ENCODER, PREPROCESSOR], [PREPROCESSOR]):
        done = _release(copy, *listed)
        assert name in processes.error(done)
        assert processes.contents(copy / "dist") == before


def test_every_single_byte_change_of_a_tarball_is_found(dist, released, stress, tmp_path):
    generator = random.Random(0)
    content = (dist / TARBALL).read_bytes()
    path, unpacked = tmp_path / "3.tar.gz", tmp_path / "unpacked"
    path.write_bytes(content)
    good, _ = _unpack(path, unpacked)
    digest = checksums.sha256(str(path))
    key = signing.Key(str(released[0] / "key.pem"))
    beside = str(dist / "org/albert/3.sig")
    assert key.has_signed(str(path), beside)
    size = len(content)
    edges = [*range(10), *range(size - 8, size)]  # gzip's header and trailer
    if stress:
        positions = edges + generator.sample(range(10, size - 8), 100 - len(edges))
    else:
        positions = generator.sample(edges, 4) + generator.sample(range(10, size - 8), 6)
    refused = verified = 0
    for position in positions:
        changed = bytearray(content)
        changed[position] ^= generator.randrange(1, 256)
        path.write_bytes(changed)
        assert checksums.sha256(str(path)) != digest
        assert not key.has_signed(str(path), beside)
        found, status = _unpack(path, unpacked)
        refused += status != 0
        if found == good:  # the unpacked files are not damaged
            assert position in edges
            continue
        done = processes.run("export.verify", unpacked, cwd=tmp_path)
        assert processes.error(done), position
        verified += 1
    print(
        f"\n{len(positions)} single-byte changes: all found by checksum and signature; "
        f"{refused} by tar; in {verified} what tar left behind differs, all found by verify"
    )


def _unpack(path, directory):
    """Unpacks with tar; returns the unpacked files, even after a failure, and the status."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    done = subprocess.run(["tar", "-xzf", path, "-C", directory], capture_output=True)
    return processes.contents(directory), done.returncode
