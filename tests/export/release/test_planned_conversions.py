"""What cannot be converted is refused before anything is built, in one error."""

import json
import shutil

import pytest

from configs import errors
from configs.albert_config import SIZES
from export.release import model_list, planned_conversions
from tests.support import text_models, word_pieces


@pytest.fixture
def refused(tmp_path):
    """Returns a function from models to the error; empty without one."""

    def check(*listed):
        (tmp_path / "models.json").write_text(json.dumps({"models": listed}))
        try:
            planned_conversions.check(model_list.read(str(tmp_path / "models.json")))
        except errors.ReleaseError as error:
            return str(error)
        return ""

    return check


def parts(name, **options):
    """Returns an encoder and a preprocessor of the weights in a folder."""
    return [
        {"name": kind, "kind": kind, "version": 1, "checkpoint": name, "options": options}
        for kind in ("encoder", "preprocessor")
    ]


def text(*formats, kind="text_model", **options):
    return {
        **{"name": "text", "kind": kind, "version": 1, "formats": formats, "options": options},
        **{"encoder": "encoder/1", "preprocessor": "preprocessor/1"},
    }


def test_tasks_that_a_format_has_not_are_refused(refused, tmp_path):
    for name in ("single", "tag"):
        text_models.checkpoint(name, tmp_path / name)
    assert refused(*parts("single"), text("onnx", "onnx-int8", "huggingface")) == ""
    found = refused(*parts("tag"), text("onnx", "huggingface", "onnx-int8"))
    for label in ("onnx", "onnx-int8"):
        assert f"text/1 cannot have '{label}': 'text/1' cannot be converted as a text mod" in found
    assert found.count("its task is tag") == 2 and "'huggingface'" not in found
    # The same weights, for vectors.
    assert refused(*parts("tag"), text("onnx", kind="embedder", pooling="mean")) == ""
    found = refused(*parts("single"), text("onnx", task="embed", long_texts="mean"))
    assert "text/1 cannot have 'onnx': " in found and "it has --long_texts=mean" in found


def test_a_vocabulary_that_a_format_has_not_is_refused(refused, tmp_path):
    word_pieces.write(tmp_path)
    (tmp_path / "config.json").write_text(
        json.dumps({**SIZES["tiny"].to_json(), "vocab_size": len(word_pieces.PIECES)})
    )
    config = {"config": "config.json", "vocab_file": "vocab.txt"}
    preprocessor = {"name": "preprocessor", "kind": "preprocessor", "version": 1}
    listed = [
        {"name": "encoder", "kind": "encoder", "version": 1, **config},
        {**preprocessor, "vocab_file": "vocab.txt"},
        text("onnx", kind="embedder", pooling="mean"),
    ]
    assert "text/1 cannot have 'onnx': a WordPiece vocabulary cannot become" in refused(*listed)


def test_signatures_and_heads_that_an_encoder_has_not_are_refused(refused, tmp_path):
    tiny = {"name": "albert", "kind": "encoder", "version": 4, "config": "tiny"}
    signatures = {"format": "onnx", "signature": ["unpadded.mlm", "sop"]}
    found = refused({**tiny, "formats": [signatures, "litert"]})
    assert "albert/4 cannot have 'onnx': 'albert/4' has no signature sop; it has serving" in found
    assert "litert" not in found
    heads = {"format": "huggingface", "signature": ["classify"]}
    found = refused({**tiny, "formats": [heads, "onnx"]})
    assert "albert/4 cannot have 'huggingface': " in found and "'onnx'" not in found
    heads["signature"] = ["serving_default"]
    assert refused({**tiny, "formats": [heads, "openvino-int8"]}) == ""


def test_what_cannot_be_made_is_not_said_twice(refused, tmp_path):
    shutil.copytree(text_models.ROOT / "single", tmp_path / "single")  # without a tokenizer
    assert refused(*parts("single"), text("onnx")) == ""
    tiny = {"name": "encoder", "kind": "encoder", "version": 1, "config": "tiny"}
    preprocessor = {"name": "preprocessor", "kind": "preprocessor", "version": 1}
    assert refused(tiny, preprocessor, text("onnx", task="classify")) == ""
