"""The pages of docs/how-to/browser.md in a real browser, against the SavedModels; its tokenizer."""

import contextlib
import functools
import http.server
import json
import re
import subprocess
import threading

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops
import tokenizers as library

from export.conversion import tokenizer_texts
from tests.support import browser, golden, processes, tokenizers

_ENVIRONMENT = processes.REPOSITORY / "build" / "portability" / "venvs" / "tensorflow_js"
_MODULES = _ENVIRONMENT / "node_modules"
pytestmark = [
    pytest.mark.stress,
    browser.needs_chromium,
    pytest.mark.skipif(
        not _MODULES.exists(),
        reason="no npm packages and converter; "
        "`python -m benchmarks.portability --only=tensorflow_js --page=` installs them",
    ),
]
# Converted models have other kernels, with other approximations of tanh and exp.
ATOL = 1e-5
# Prints the ids of texts; like the page, but for many texts at once.
_ENCODE = """
import fs from "fs";
const [path, tokenizerJson] = process.argv.slice(1);
const { Tokenizer } = await import(path);
const tokenizer = new Tokenizer(JSON.parse(fs.readFileSync(tokenizerJson)), {});
const texts = JSON.parse(fs.readFileSync(0));
console.log(JSON.stringify(texts.map((text) => tokenizer.encode(text).ids)));
"""
_LENGTH = 64  # the golden model's positions
_TEXTS = ("The river rose slowly.", "", "Déjà vu: the café!", "bread " * 100)


def _pages():
    text = (processes.REPOSITORY / "docs" / "how-to" / "browser.md").read_text(encoding="utf-8")
    return re.findall(r"^```html\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@contextlib.contextmanager
def _opened(folder, html):
    """Yields the page, served from the folder by Python as in the document."""
    (folder / "page.html").write_text(html, encoding="utf-8")
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(_MODULES)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        browser.chromium() as chromium,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page = chromium.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/page.html")
            yield page
        finally:
            server.shutdown()
            thread.join()


def _vectors(page):
    page.wait_for_function("document.querySelector('#vector').textContent")
    return np.array(json.loads(page.inner_text("#vector")))


@pytest.fixture(scope="module")
def folder(golden_root, tmp_path_factory):
    """Returns a folder with an encoder of known tokenizer, converted as the page expects it."""
    folder = tmp_path_factory.mktemp("browser")
    encoder = processes.export(
        *("export.encoder", "--checkpoint", golden_root / "tiny" / "hf"),
        *("--model_name", "albert_large_v2", "--tokenization", "hub", "--lower_case"),
        *("--sp_model_file", golden.VOCABULARY),
        cwd=folder,
    )
    for options in (["onnx"], ["onnx", "--quantize", "int8"], ["huggingface"]):
        processes.export("export.convert", encoder, "--to", *options, cwd=folder)
    processes.export(
        *("export.preprocessor", "--encoder", encoder, "--model_name", "preprocess"), cwd=folder
    )
    return folder


def _embedded(folder, html):
    vectors = []
    with _opened(folder, html) as page:
        for text in _TEXTS:
            _vectors(page)  # of the text before
            page.evaluate("document.querySelector('#vector').textContent = ''")
            page.fill("#text", text)
            page.dispatch_event("#text", "change")
            vectors.append(_vectors(page))
    return np.stack(vectors)


def _expected(folder):
    encoder = hub.load(str(folder / "exports" / "albert_large_v2" / "1"))
    preprocessor = hub.load(str(folder / "exports" / "preprocess" / "1"))
    rows = preprocessor.bert_pack_inputs([preprocessor.tokenize(tf.constant(_TEXTS))], _LENGTH)
    return encoder(rows)["pooled_output"].numpy()


def test_text_becomes_the_savedmodels_vector_in_onnx_runtime(folder):
    page = _pages()[0]
    html = page.replace("maxLength = 512", f"maxLength = {_LENGTH}")
    assert html != page and "-onnx-int8" in html
    expected = _expected(folder)
    found = _embedded(folder, html.replace("-onnx-int8", "-onnx"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL)
    quantized = _embedded(folder, html)
    norms = np.linalg.norm(quantized, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((quantized * expected).sum(axis=1) / norms).min() > 0.99
    assert not np.allclose(quantized, expected, rtol=0, atol=ATOL)  # int8 was computed


@pytest.mark.parametrize("name", ["written", "published"])
def test_ids_in_javascript_are_those_of_the_library(name, folder):
    path = folder / "exports" / "albert_large_v2-huggingface" / "1" / "tokenizer.json"
    if name == "published":
        path = tokenizers.REAL / "albert_en_tokenizer.json"
        if not path.exists():
            pytest.skip("the published tokenizer.json is not there")
    # U+0085 is no white space in JavaScript.
    texts = tokenizer_texts.make() + [t for t in tokenizers.texts() if "\x85" not in t]
    assert len(texts) == 2177
    done = subprocess.run(
        [
            *("node", "--input-type=module", "--eval", _ENCODE, "--"),
            *(_MODULES / "@huggingface" / "tokenizers" / "dist" / "tokenizers.min.mjs", path),
        ],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    expected = library.Tokenizer.from_file(str(path))
    expected.no_truncation()
    assert json.loads(done.stdout) == [one.ids for one in expected.encode_batch(texts)]


@pytest.mark.parametrize("backend", ["wasm", "cpu"])
def test_ids_become_the_savedmodels_vectors_in_tensorflow_js(backend, tiny_encoder, tmp_path):
    (tmp_path / "exports").mkdir()
    done = subprocess.run(
        [
            *(_ENVIRONMENT / "bin" / "tensorflowjs_converter", "--input_format=tf_saved_model"),
            *("--signature_name=serving_default", tiny_encoder),
            tmp_path / "exports" / "my_encoder-tensorflowjs",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    html = _pages()[1]
    assert 'setBackend("wasm")' in html
    with _opened(tmp_path, html.replace('setBackend("wasm")', f'setBackend("{backend}")')) as page:
        found = _vectors(page)
    ids = tf.constant([[2, 9, 31, 3], [2, 9, 3, 0]])
    inputs = {"input_word_ids": ids, "input_mask": tf.sign(ids), "input_type_ids": ids * 0}
    expected = hub.load(str(tiny_encoder))(inputs)["pooled_output"].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL)
