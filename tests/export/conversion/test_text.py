"""Text models in other runtimes: text to labels and vectors in ONNX, and back to Hugging Face."""

import dataclasses
import importlib.util
import json
import pathlib
import shutil
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from configs import errors
from export import api
from export.artifacts import tokenizer_choice
from export.conversion import runtime_process, tokenizer_texts
from export.conversion.onnx import text_tokenizer
from export.conversion.text import compiled_tokenizer, masks, text_batches, text_source
from export.metadata import manifest
from preprocess.tokenizers import engines
from tests.support import sampling, shared_run, text_models

# Not imported here: one changes the environment of processes that are started later.
_PACKAGES = {"onnx": "onnxruntime_extensions", "openvino": "openvino_tokenizers"}
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(_PACKAGES["onnx"]) is None, reason="the extra onnx is not installed"
)
ATOL = 1e-5
_REAL = pathlib.Path(__file__).parents[4] / "shared" / "real" / "vocab"


def _converted(name, to="onnx", **settings):
    if to in _PACKAGES and importlib.util.find_spec(_PACKAGES[to]) is None:
        pytest.skip(f"the extra {to} is not installed")

    def write(folder):
        source = text_models.directory(name)
        api.convert(source, to=to, model_name=name, export_dir=str(folder), **settings)
        (made,) = folder.glob("*/*")
        return made

    said = "-".join(f"{key}={value}" for key, value in settings.items())
    return shared_run.once(f"text_models/{name}/{to}-{said}", write)


def _classifier(name, to="onnx"):
    return _converted(name, to=to, signatures=("pairs",))


def _run(directory, *runs, to="onnx"):
    """Returns what `serving_default` gives for texts, or `pairs` for pairs of texts."""
    inputs = []
    for texts in runs:
        is_pair = isinstance(texts, tuple)
        named = zip(("first", "second"), texts, strict=True) if is_pair else [("sentences", texts)]
        arrays = {name: np.array(values, np.str_) for name, values in named}
        inputs.append(("pairs" if is_pair else "serving_default", arrays))
    return runtime_process.run(to, str(directory), inputs)


@sampling.parametrize(
    ("name", "to"),
    [
        ("single", "onnx"),
        ("multi", "onnx"),
        ("regression", "onnx"),
        ("single", "openvino"),
        ("regression", "openvino"),
    ],
    sample=[("single", "onnx")],
)
def test_labels_are_those_of_the_pipeline(name, to):
    expected = text_models.expected()
    pairs = tuple(zip(*expected["pairs"], strict=True))
    found = _run(_classifier(name, to), expected["texts"], pairs, to=to)
    labels = [label.decode() for label in text_models.load(name).labels.numpy()]
    for outputs, recorded in zip(found, (name, f"pairs_of_{name}"), strict=True):
        # OpenVINO gives them under further names.
        assert set(outputs) >= {"label", "score", "scores", "truncated"}
        for row, scores in enumerate(expected.get(recorded, ())):
            by_label = {one["label"]: one["score"] for one in scores}
            in_order = [by_label[one] for one in labels]
            assert outputs["scores"][row] == pytest.approx(in_order, abs=ATOL)
            best = max(scores, key=lambda one: one["score"])
            assert outputs["label"][row] == best["label"]
            assert outputs["score"][row] == pytest.approx(best["score"], abs=ATOL)


@sampling.parametrize("to", ["onnx", "openvino"], sample=["onnx"])
def test_any_batch_and_what_was_cut(to):
    texts = ["", "river " * 600, "o\0n\0e river"]
    pairs = (["", "\0a", "river " * 600], ["one", "river " * 600, "river " * 599])
    directory = _classifier("single", to)
    # OpenVINO refuses a batch without rows if it is the first one.
    outputs, empty, of_pairs = _run(directory, texts, [], pairs, to=to)
    assert empty["label"].shape == (0,) and empty["scores"].shape == (0, 3)
    assert outputs["truncated"].tolist() == [False, True, False]
    expected = text_models.serve("single", sentences=texts)
    np.testing.assert_allclose(outputs["scores"], expected["scores"], atol=ATOL)
    assert of_pairs["truncated"].tolist() == [False, True, True]
    serve = text_models.load("single").signatures["pairs"]
    expected = serve(first=tf.constant(pairs[0]), second=tf.constant(pairs[1]))
    np.testing.assert_allclose(of_pairs["scores"], expected["scores"], atol=ATOL)
    with pytest.raises(errors.VerificationError, match=f"does not run as {to}"):
        _run(directory, (["one"], ["two", "three"]), to=to)


@pytest.mark.stress
def test_words_for_masks_in_onnx_are_those_of_the_pipeline():
    expected = text_models.expected()
    texts = expected["masked"]
    (outputs,) = _run(_converted("fill_mask"), texts)
    assert set(outputs) == {"tokens", "scores", "filled_sentences", "truncated"}
    for row, found in enumerate(expected["fill_mask"]):
        assert outputs["tokens"][row].tolist() == [one["token"] for one in found]
        assert outputs["scores"][row] == pytest.approx([one["score"] for one in found], abs=ATOL)
        filled = [texts[row].replace("[MASK]", one["token"]) for one in found]
        assert outputs["filled_sentences"][row].tolist() == filled
    end = " and " + "far " * 600 + "[MASK]."
    (outputs,) = _run(_converted("fill_mask"), ["a [MASK]" + end, "a [MASK]"])
    assert all(one.endswith(end) for one in outputs["filled_sentences"][0])
    assert outputs["truncated"].tolist() == [True, False]
    for text in ("no mask", "[MASK] two [MASK]", "late " * 600 + "[MASK]"):
        with pytest.raises(errors.VerificationError, match="does not run as onnx"):
            _run(_converted("fill_mask"), [text])


def test_the_manifest_says_how_it_was_compared():
    directory = _classifier("single")
    content = manifest.read(str(directory))
    assert content["tokenizer"] == {
        "texts": 2084,
        "other_ids": 0,
        "examples": [],
        "texts_left_out": 0,
    }
    assert content["compared"]["signatures"]["serving_default"]["label"]["equal_labels"] == 1
    assert content["compared"]["texts"] == 18


@pytest.mark.stress
@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_verify_compares_it_again(to):
    directory = _classifier("single", to)
    result = api.verify(str(directory), source=text_models.directory("single"))
    assert not result.problems


def _tokenizer(tokenization, path=None):
    request = tokenizer_choice.Request(tokenization=tokenization, sp_model_file=path)
    return tokenizer_choice.resolve(request)


def _engine(spec):
    return engines.make(
        spec.described,
        tokenization=spec.tokenization,
        lower_case=spec.lower_case,
        keep_accents=spec.keep_accents,
    )


def _compiled(spec):
    engine = _engine(spec)
    made = compiled_tokenizer.make(spec, engine=engine, encode=text_tokenizer.encode)
    return made, engine


@sampling.parametrize(
    ("tokenization", "model"),
    [
        ("hub", None),
        ("original", None),
        ("hub", "albert_en_30k.model"),
        ("original", "albert_en_30k.model"),
        ("hub", "albert_ja_32k.model"),
    ],
    sample=[("original", None)],
)
def test_tokenizers_are_compiled_into_a_sentencepiece_model(tokenization, model):
    path = None
    if model is not None:
        path = str(_REAL / model)
        if not pathlib.Path(path).exists():
            pytest.skip(f"{path} is not there: other people's vocabularies are not part of this")
    made, engine = _compiled(_tokenizer(tokenization, path))
    assert made.texts == tokenizer_texts.COUNT
    assert made.other == ()
    # Further texts, with characters of every script.
    points = np.random.default_rng(1).integers(0x20, 0x3000, [200, 12])
    texts = ["".join(map(chr, row)) for row in points.tolist()]
    got = text_tokenizer.encode(made.model, texts)
    expected = engine.encode(tf.constant(texts)).to_list()
    different = sum(a != b for a, b in zip(got, expected, strict=True))
    assert different <= 4, f"{different} of {len(texts)}"
    texts = ["the\0 river", "\0\0river", "a \0 b\0c", "", "river"]
    assert text_tokenizer.encode(made.model, texts) == engine.encode(tf.constant(texts)).to_list()


@pytest.mark.stress
@pytest.mark.parametrize("tokenization", ["hub", "original"])
def test_masks_are_compiled_where_the_tokenizer_has_none(tokenization):
    spec = _tokenizer(tokenization)
    tokens = {"[MASK]": spec.described.mask_id}
    engine = masks.Engine(_engine(spec), tokens)
    made = compiled_tokenizer.make(spec, engine=engine, encode=text_tokenizer.encode, tokens=tokens)
    assert made.texts > tokenizer_texts.COUNT
    assert made.other == ()


def test_texts_that_are_compared_have_added_tokens_in_other_case():
    assert {"Covid first", "COVID first"} <= set(tokenizer_texts.with_tokens(["covid"]))


def test_texts_get_one_mask():
    assert masks.candidates("a b c d", "[MASK]") == ["a b [MASK] d", "[MASK] a b c d"]
    assert masks.candidates("", "[MASK]") == ["[MASK]", "[MASK] "]
    assert masks.candidates("a [MASK]", "[MASK]") == ["a [MASK]"]


def test_a_text_model_that_other_runtimes_cannot_have_is_refused(tmp_path):
    def refused(words, name, to="onnx", **settings):
        with pytest.raises(errors.InputError, match=words):
            api.convert(name, to=to, model_name="m", export_dir=str(tmp_path), **settings)
        assert not list(tmp_path.rglob("manifest.json"))

    refused("its task is tag, for which --to onnx", text_models.directory("tag"))
    if importlib.util.find_spec(_PACKAGES["openvino"]):
        refused("its task is fill_mask", text_models.directory("fill_mask"), to="openvino")
    single = text_models.directory("single")
    refused("is a text_model: convert the encoder", single, to="litert")
    refused("no signature tag; it has serving_default, pairs", single, signatures=["tag"])
    refused("--config is for encoders", single, config="tiny")


def test_texts_whose_ids_all_differ_are_refused():
    source = mock.create_autospec(text_source.TextModel, instance=True)
    source.task = "classify"
    source.with_other_ids.return_value = ("one", "two")
    with pytest.raises(errors.InputError, match="none of the 2 texts can be compared"):
        text_batches.make(source, texts=["one", "two"])


def test_a_text_model_without_the_files_of_its_tokenizer_is_refused(tmp_path):
    source = text_models.directory("single")
    opened = text_source.open(source)
    assert opened.tokenizer.tokenization == "huggingface"
    shutil.copytree(source, tmp_path / "old", ignore=shutil.ignore_patterns("assets"))
    old = dataclasses.replace(opened, directory=str(tmp_path / "old"))
    with pytest.raises(errors.VocabularyError, match="make it again"):
        _ = old.tokenizer


@pytest.mark.stress
@pytest.mark.parametrize("name", ["single", "tag", "answer", "fill_mask"])
def test_the_weights_of_text_models_go_back_to_transformers(name):
    directory = _converted(name, to="huggingface")
    config = json.loads((directory / "config.json").read_text())
    assert config["architectures"] == [
        {
            "single": "AlbertForSequenceClassification",
            "tag": "AlbertForTokenClassification",
            "answer": "AlbertForQuestionAnswering",
            "fill_mask": "AlbertForMaskedLM",
        }[name]
    ]
    given = load_file(text_models.ROOT / name / "model.safetensors")
    written = load_file(directory / "model.safetensors")
    for key in written:
        assert written[key].tobytes() == given[key].astype(np.float32).tobytes(), key
    assert (directory / "tokenizer.json").exists()


@pytest.mark.stress
@pytest.mark.parametrize(("quantize", "most"), [("float16", 0.01), ("int8", 0.05)])
def test_labels_in_quantized_openvino_are_close(quantize, most):
    expected = text_models.expected()["texts"]
    directory = _converted("single", to="openvino", quantize=quantize)
    outputs, exact = (
        _run(one, expected, to="openvino")[0]
        for one in (directory, _classifier("single", "openvino"))
    )
    differences = np.abs(outputs["scores"] - exact["scores"])
    assert 0 < differences.max() < most


@pytest.mark.stress
def test_vectors_and_those_in_sentence_transformers_are_the_recorded_ones(tmp_path):
    case = text_models.sentence_transformers_case(tmp_path / "case")
    exports = str(tmp_path / "exports")
    embedder = api.export_text_model(checkpoint=case, model_name="st", export_dir=exports)
    expected = json.loads((tmp_path / "case" / "case.json").read_text())["expected"]
    for to in filter(lambda to: importlib.util.find_spec(_PACKAGES[to]), _PACKAGES):
        path = api.convert(embedder, to=to, export_dir=exports)
        (outputs,) = _run(path, expected["sentences"], to=to)
        np.testing.assert_allclose(outputs["default"], expected["embeddings"], atol=ATOL)
    path = pathlib.Path(api.convert(embedder, to="huggingface", export_dir=exports))
    types = [one["type"] for one in json.loads((path / "modules.json").read_text())]
    assert [one.rsplit(".", 1)[-1] for one in types] == ["Transformer", "Pooling", "Normalize"]
    assert not api.verify(str(path)).problems
