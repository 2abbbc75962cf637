"""The list of models is read, or one error lists all its problems."""

import json

import pytest

from configs import errors
from export.metadata import manifest
from export.release import model_list
from tests.support import processes

ENCODER = {"name": "encoder", "kind": "encoder", "version": 3, "config": "tiny"}
PREPROCESSOR = {"name": "preprocess", "kind": "preprocessor", "version": 3}
EMBEDDER = {
    "name": "embed",
    "kind": "embedder",
    "version": 1,
    "encoder": "encoder/3",
    "preprocessor": "preprocess/3",
}
# What the documents promise; huggingface has no quantization.
_FORMATS = (
    "onnx, onnx-float16, onnx-int8, litert, litert-float16, litert-int8, openvino, "
    "openvino-float16, openvino-int8, huggingface"
)


def _read(tmp_path, *listed, text=None):
    path = tmp_path / "models.json"
    path.write_text(json.dumps({"models": listed}) if text is None else text)
    return model_list.read(str(path))


def _problem(tmp_path, *listed, text=None):
    with pytest.raises(errors.ReleaseError) as caught:
        _read(tmp_path, *listed, text=text)
    return str(caught.value)


def test_a_list_is_read_with_paths_relative_to_it(tmp_path):
    (tmp_path / "model.ckpt.index").touch()
    (tmp_path / "spiece.model").touch()
    encoder = {
        **ENCODER,
        "checkpoint": "model.ckpt",
        "sp_model_file": "spiece.model",
        "options": {"mlm": False},
    }
    preprocessor = {**PREPROCESSOR, "checkpoint": "model.ckpt"}
    read = _read(tmp_path, encoder, preprocessor, EMBEDDER)
    assert list(map(str, read)) == ["encoder/3", "preprocess/3", "embed/1"]
    assert read[0].sources == {
        "config": "tiny",
        "checkpoint": str(tmp_path / "model.ckpt"),
        "sp_model_file": str(tmp_path / "spiece.model"),
    }
    assert read[0].options == {"mlm": False}
    assert read[1].sources == {"checkpoint": str(tmp_path / "model.ckpt")}
    assert read[2].sources == {"encoder": "encoder/3", "preprocessor": "preprocess/3"}


def test_what_an_encoder_is_converted_to_follows_it(tmp_path):
    encoder = {**ENCODER, "formats": ["onnx", "litert-int8", "huggingface"]}
    read = _read(tmp_path, encoder, PREPROCESSOR)
    assert list(map(str, read)) == [
        *("encoder/3", "encoder-onnx/3", "encoder-litert-int8/3", "encoder-huggingface/3"),
        "preprocess/3",
    ]
    assert [model.kind for model in read[1:4]] == [manifest.CONVERSION] * 3
    assert [model.sources for model in read[1:4]] == [{"encoder": "encoder/3"}] * 3
    assert [model.options for model in read[1:4]] == [
        {"to": "onnx", "quantize": "none"},
        {"to": "litert", "quantize": "int8"},
        {"to": "huggingface", "quantize": "none"},
    ]
    # The encoder is the same model as without them.
    assert [read[0], read[4]] == _read(tmp_path, ENCODER, PREPROCESSOR)
    assert [read[0], read[4]] == _read(tmp_path, {**ENCODER, "formats": []}, PREPROCESSOR)


def test_an_address_on_the_hugging_face_hub_is_not_a_path(tmp_path):
    address = "hf://albert/albert-base-v2"
    (read,) = _read(tmp_path, {**ENCODER, "checkpoint": address})
    assert read.sources["checkpoint"] == address


def test_the_short_form_is_random_encoders_and_the_preprocessor():
    listed = model_list.untrained(["tiny", "base"])
    assert list(map(str, listed)) == [
        "albert_en_tiny/1",
        "albert_en_base/1",
        "albert_en_preprocess/1",
    ]
    assert [model.sources for model in listed] == [{"config": "tiny"}, {"config": "base"}, {}]


@pytest.mark.parametrize("sizes", [[], ["huge"], ["tiny", "tiny"], ["tiny", ""]])
def test_the_short_form_refuses_what_is_not_a_size_and_what_is_there_twice(sizes):
    with pytest.raises(errors.ReleaseError, match="--configs"):
        model_list.untrained(sizes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../x"}, "name must be letters"),
        ({"name": 3}, "name must be a string, got 3"),
        ({"kind": "decoder"}, "kind must be one of encoder, preprocessor, embedder"),
        ({"kind": ["encoder"]}, "kind must be one of"),
        ({"version": 0}, "version must be at least 1, got 0"),
        ({"version": "3"}, "version must be an integer, got '3'"),
        ({"version": True}, "version must be an integer, got True"),
        ({"tokenizer": "x"}, "unknown field 'tokenizer', known are name, kind, version, config"),
        ({"options": {"seeds": 1}}, "unknown option 'seeds', known are"),
        ({"options": {"seed": 1.5}}, "seed must be an integer, got 1.5"),
        ({"options": {"mlm": "no"}}, "mlm must be true or false, got 'no'"),
        ({"options": {"language": ["en"]}}, "language must be a string, got ['en']"),
        ({"options": []}, "options must be an object, got []"),
        ({"config": "nowhere.json"}, "nowhere.json' does not exist"),
        ({"formats": "onnx"}, f"formats must be a list of {_FORMATS}, got 'onnx'"),
        ({"formats": None}, f"formats must be a list of {_FORMATS}, got None"),
        ({"formats": ["tflite"]}, f"formats has 'tflite', allowed are {_FORMATS}"),
        ({"formats": ["onnx-int4"]}, f"formats has 'onnx-int4', allowed are {_FORMATS}"),
        ({"formats": ["huggingface-int8"]}, "formats has 'huggingface-int8', allowed are onnx"),
        ({"formats": ["onnx-none"]}, "formats has 'onnx-none', allowed are onnx"),
        ({"formats": [["onnx"]]}, "formats has ['onnx'], allowed are onnx"),
        ({"formats": ["onnx", "litert", "onnx"]}, "formats has 'onnx' twice"),
        ({"formats": ["onnx", {"format": "onnx"}]}, "formats has 'onnx' twice"),
        ({"formats": [{"format": "tflite"}]}, "formats has {'format': 'tflite'}, allowed are onnx"),
        ({"formats": [{"signature": ["mlm"]}]}, "formats has {'signature': ['mlm']}, allowed are"),
        (
            {"formats": [{"format": "onnx", "names": ["mlm"]}]},
            "formats has an object with the unknown field 'names', known are format, signature",
        ),
        (
            {"formats": [{"format": "onnx", "signature": "mlm"}]},
            "signature of formats must be a list of strings, got 'mlm'",
        ),
        (
            {"formats": [{"format": "litert"}], "options": {"compute_dtype": "bfloat16"}},
            "formats has 'litert', which needs compute_dtype float32, got 'bfloat16'",
        ),
        (
            {"formats": ["onnx", "litert-int8"], "options": {"compute_dtype": "bfloat16"}},
            "formats has 'litert-int8', which needs compute_dtype float32, got 'bfloat16'",
        ),
        ({"checkpoint": "nowhere"}, "nowhere' does not exist"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, change, message):
    problem = _problem(tmp_path, ENCODER | change)
    assert message in problem
    assert "model 1" in problem


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    problem = _problem(
        tmp_path,
        {"kind": "encoder", "version": 1},
        {**PREPROCESSOR, "vocab_file": "nowhere.txt", "pooling": "mean"},
        PREPROCESSOR,
        PREPROCESSOR,
        {"name": "embed", "kind": "embedder", "version": 1, "encoder": "encoder/3"},
        7,
    )
    for part in (
        "model 1: name is missing",
        "model 1: config or checkpoint is missing",
        "model 2 (preprocess): unknown field 'pooling'",
        "nowhere.txt' does not exist",
        "preprocess/3 is there twice",
        "model 5 (embed): preprocessor is missing",
        "model 6: must be a JSON object",
    ):
        assert part in problem


def test_a_preprocessor_has_no_formats_and_the_error_is_one(tmp_path):
    problem = _problem(tmp_path, {**PREPROCESSOR, "formats": ["onnx"]})
    message = (
        "model 1 (preprocess): formats is a field of kind encoder or embedder or text_model "
        "alone, got a preprocessor"
    )
    assert message in problem
    assert "formats" not in problem.partition(message)[2]
    assert "unknown field" not in problem


def test_signatures_of_a_format_are_a_flag(tmp_path):
    formats = ["litert", {"format": "onnx-int8", "signature": ["unpadded", "mlm"]}]
    read = _read(tmp_path, {**ENCODER, "formats": formats})
    assert list(map(str, read)) == ["encoder/3", "encoder-litert/3", "encoder-onnx-int8/3"]
    assert [model.options for model in read[1:]] == [
        {"to": "litert", "quantize": "none"},
        {"to": "onnx", "quantize": "int8", "signature": "unpadded,mlm"},
    ]


@pytest.mark.parametrize("kind", ["embedder", "text_model"])
def test_what_takes_text_is_converted_after_it_is_made(tmp_path, kind):
    text = {**EMBEDDER, "kind": kind, "formats": ["onnx-int8", "huggingface"]}
    read = _read(tmp_path, text, ENCODER, PREPROCESSOR)
    assert [model.sources for model in read[1:3]] == [{kind: "embed/1"}] * 2
    assert [[str(model) for model in models] for models in model_list.in_order(read)] == [
        ["encoder/3", "preprocess/3"],
        ["embed/1"],
        ["embed-onnx-int8/1", "embed-huggingface/1"],
    ]
    problem = _problem(tmp_path, {**text, "formats": ["litert"]}, ENCODER, PREPROCESSOR)
    assert "formats has 'litert', allowed are onnx, onnx-float16, onnx-int8" in problem


def test_a_conversion_takes_a_name_that_no_other_model_has(tmp_path):
    problem = _problem(
        tmp_path, {**ENCODER, "formats": ["onnx"]}, {**ENCODER, "name": "encoder-onnx"}
    )
    assert "encoder-onnx/3 is there twice" in problem


def test_weights_are_not_published_beside_the_demo_preprocessor(tmp_path):
    (tmp_path / "weights").mkdir()
    problem = _problem(tmp_path, {**ENCODER, "checkpoint": "weights"}, PREPROCESSOR)
    assert "preprocess/3 would have the demo vocabulary beside models with weights" in problem


@pytest.mark.parametrize("encoder", ["encoder/4", "encoder", "preprocess/3"])
def test_an_embedder_is_made_of_an_encoder_of_the_list(tmp_path, encoder):
    problem = _problem(tmp_path, ENCODER, PREPROCESSOR, {**EMBEDDER, "encoder": encoder})
    assert f"embed/1: this list has no encoder {encoder!r}; name it as <name>/<version>" in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("[]", "must be"),
        ("{}", "must be"),
        ('{"models": []}', "the list is empty"),
        ('{"models": [], "model": []}', "unknown field 'model'"),
        ('{"models": [], "models": []}', "a key is twice"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_what_is_not_a_list_of_models_is_refused(tmp_path, text, message):
    assert message in _problem(tmp_path, text=text)


def test_the_list_that_ships_with_the_project_is_valid():
    kinds = {model.kind for model in model_list.read(str(processes.REPOSITORY / "models.json"))}
    assert kinds == {manifest.ENCODER, manifest.PREPROCESSOR, manifest.EMBEDDER}


@pytest.mark.parametrize("kind", model_list.OPTIONS)
def test_options_are_flags_of_the_exporter(kind, tmp_path):
    done = processes.run(f"export.{kind}", "--help", cwd=tmp_path)
    for option in model_list.OPTIONS[kind]:
        assert f"--{option}:" in done.stdout or f"--[no]{option}:" in done.stdout, option
