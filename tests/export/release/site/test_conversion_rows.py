"""The page of a model has the formats that it was converted to, as their manifests say."""

import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the ops

from configs import hub_api
from export import api
from export.conversion import formats
from export.release.site import conversion_rows
from tests.support import processes, sites

HANDLE = "org/albert/3"
_RUNS = {"onnx": "tiny_onnx", "litert": "tiny_litert", "openvino": "tiny_openvino"}


@pytest.fixture
def site(tmp_path):
    made = sites.Site(tmp_path / "dist")
    made.add(HANDLE, sites.encoder("base"))
    return made


def section(site):
    """Returns the section of the formats; empty without one."""
    site.write()
    _, _, rest = site.text(f"{HANDLE}.md").partition("## Other formats\n")
    return rest.partition("\n## ")[0]


def rows(site):
    lines = section(site).splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]


def downloads(site):
    return [line for line in section(site).splitlines() if line.startswith("- [")]


def test_a_format_has_a_row_with_what_its_manifest_says(site):
    path = site.convert(HANDLE, "onnx-int8")
    path.with_name("3.intoto.json").touch()
    (row,) = rows(site)
    address = f"{sites.BASE_URL}/org/albert-onnx-int8/3"
    assert row == [
        *("`onnx-int8`", "70.8 MB", "ONNX Runtime `4.5.6`"),
        *("1.2e-03", "0.999877", "-"),
    ]
    (download,) = downloads(site)
    assert download.startswith(f"- [albert-onnx-int8/3.tar.gz]({address}.tar.gz), ")
    assert f", with `model.onnx`, [provenance]({address}.intoto.json)" in download
    assert "signature" not in download


def test_signatures_are_files_and_the_fewest_equal_labels_are_said(site):
    signatures = {"serving_default": {"file": "model.onnx"}, "mlm": {"file": "mlm.onnx"}}
    exact = {"largest_difference": 0.0, "equal_labels": 1.0}
    compared = {
        "serving_default": {"pooled_output": {"largest_difference": 2e-3, "smallest_cosine": 0.9}},
        "mlm": {"mlm_logits": {"largest_difference": 0.5, "equal_labels": 0.96875}, "x": exact},
    }
    site.convert(
        *(HANDLE, "onnx-int8"),
        signatures=signatures,
        compared={"texts": 16, "tokens": 354, "signatures": compared},
    )
    ((*_, difference, cosine, equal),) = rows(site)
    assert (difference, cosine, equal) == ("5.0e-01", "0.900000", "96.9%")
    assert "with `model.onnx`, `mlm.onnx`" in downloads(site)[0]


def test_rows_are_in_the_order_of_the_formats_and_runtimes_have_sections(site):
    for label in ("huggingface", "litert-int8", "onnx-float16", "openvino", "onnx"):
        site.convert(HANDLE, label)
    assert [row[0] for row in rows(site)] == [
        f"`{label}`" for label in ("onnx", "onnx-float16", "litert-int8", "openvino", "huggingface")
    ]
    headings = re.findall("^### (.+)$", section(site), re.M)
    assert headings == ["ONNX Runtime", "LiteRT", "OpenVINO", "transformers"]
    assert "`albert-onnx-float16`: the same" in section(site)


def test_what_is_not_made_of_this_version_is_not_on_its_page(site):
    site.add("org/albert/2", sites.encoder("base", parameters=7))
    site.add("org/other/3", sites.encoder("base"))  # of the same content
    site.convert("org/albert/2", "onnx")
    site.convert("org/other/3", "litert")
    site.convert(HANDLE, "openvino", source_sha256="0" * 64)
    assert section(site) == ""
    assert "org/albert-onnx/2.tar.gz" in site.text("org/albert/2.md")


def test_weights_that_nothing_has_run_have_no_differences(site):
    site.convert(HANDLE, "huggingface")
    ((_, size, *others),) = rows(site)
    assert size == "70.0 MB"
    assert others == ["transformers", "-", "-", "-"]
    assert "with `model.safetensors`" in downloads(site)[0]
    assert "nothing was run" in section(site)
    measured = {"mlm": {"mlm_logits": {"largest_difference": 2e-6, "equal_labels": 1.0}}}
    site.convert(
        HANDLE,
        "huggingface",
        compared={"weights": 30, "bits_equal": True, "texts": 16, "signatures": measured},
        runtime={"transformers": "5.1", "torch": "2.9"},
    )
    ((_, _, *others),) = rows(site)
    assert others == ["transformers `5.1`", "2.0e-06", "-", "100.0%"]
    assert "nothing was run" not in section(site)


def test_code_for_transformers_uses_the_tokenizer_if_there_is_one(site):
    site.convert(HANDLE, "huggingface")
    assert "AutoTokenizer.from_pretrained(folder)" in section(site)
    left_out = {"files": [], "left_out": "other `ids`\n## Heading", "compared": None}
    site.convert(HANDLE, "huggingface", tokenizer_files=left_out)
    assert "AutoTokenizer" not in section(site)
    assert "It has no tokenizer: `` other `ids` ## Heading ``." in section(site)


def test_code_of_an_encoder_without_pooler_asks_for_none(site):
    site.add(HANDLE, sites.encoder("base") | {"default": "mean"})
    for label in ("onnx", "litert", "openvino", "huggingface"):
        site.convert(HANDLE, label)
    found = section(site)
    assert "pooled_output" not in found and "pooler_output" not in found
    assert "add_pooling_layer=False" in found


def text_page(site, task, *labels, **changes):
    """Returns the section of a text model with these formats."""
    site.add(HANDLE, sites.text_model(task))
    for label in labels:
        site.convert(HANDLE, label, **changes)
    return section(site)


def test_a_text_model_says_how_its_tokenizer_compares_and_takes_texts(site):
    tokenizer = {"texts": 2080, "other_ids": 3, "examples": ["x"], "texts_left_out": 0}
    found = text_page(site, "classify", "onnx", tokenizer=tokenizer)
    assert "`albert-onnx` gives the SavedModel's ids for 2077 of 2080 texts." in found
    assert "pip install onnxruntime onnxruntime-extensions" in found
    assert 'texts = np.array(["The river rose slowly."' in found
    assert "input_word_ids" not in found and "The ids are the same" not in found


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("classify", 'transformers.pipeline("text-classification", model="albert-huggingface")'),
        ("tag", 'transformers.pipeline("token-classification", model="albert-huggingface")'),
        ("fill_mask", 'transformers.pipeline("fill-mask", model="albert-huggingface")'),
        ("answer", 'transformers.AlbertForMaskedLM.from_pretrained("albert-huggingface")'),
        ("embed", 'sentence_transformers.SentenceTransformer("albert-huggingface")'),
    ],
)
def test_code_for_transformers_is_that_of_the_task(site, task, code):
    assert code in text_page(site, task, "huggingface")


def test_a_text_model_without_tokenizer_there_says_so(site):
    left_out = {"files": [], "left_out": "other ids", "compared": None}
    found = text_page(site, "tag", "huggingface", tokenizer_files=left_out)
    assert "It has no tokenizer: `other ids`." in found and "pipeline" not in found


def test_every_format_has_a_runtime_and_code():
    assert list(conversion_rows.RUNTIMES) == list(formats.FORMATS)
    of_text = [name for name, one in formats.FORMATS.items() if one.text_packages is not None]
    assert list(conversion_rows.TEXT_RUNTIMES) == of_text
    folder = pathlib.Path(conversion_rows.__file__).parent / "templates"
    expected = {f"snippet_{name}.md.jinja" for name in formats.FORMATS}
    expected |= {f"snippet_{name}_text.md.jinja" for name in of_text}
    assert {path.name for path in folder.glob("snippet_*")} == expected


def test_an_encoder_without_formats_has_no_section(site):
    assert section(site) == ""


@pytest.mark.stress
@pytest.mark.parametrize("name", _RUNS)
def test_code_computes_what_the_saved_model_does(name, request, site, tiny_encoder, tmp_path):
    artifact = request.getfixturevalue(_RUNS[name])
    site.add(HANDLE, tiny_encoder)
    site.add(f"org/albert-{name}/3", artifact)
    (code,) = re.findall("^```python\n(.*?)^```$", section(site), re.M | re.S)
    (tmp_path / f"albert-{name}").symlink_to(artifact)
    code += "np.savez('got.npz', ids=ids, pooled_output=pooled_output)"
    done = processes.python("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(2, 32)\n"
    with np.load(tmp_path / "got.npz") as got:
        ids = got["ids"]
        inputs = (ids, np.sign(ids), np.zeros_like(ids))
        root = tf.saved_model.load(str(tiny_encoder))
        expected = root(dict(zip(hub_api.ENCODER_INPUTS, map(tf.constant, inputs), strict=True)))
        np.testing.assert_allclose(got["pooled_output"], expected["pooled_output"], atol=1e-6)


@pytest.mark.stress
def test_code_of_an_embedder_takes_texts(site, tiny_embedder, tmp_path):
    artifact = api.convert(str(tiny_embedder), to="onnx", export_dir=str(tmp_path / "exports"))
    site.add(HANDLE, tiny_embedder)
    site.add("org/albert-onnx/3", artifact)
    (code,) = re.findall("^```python\n(.*?)^```$", section(site), re.M | re.S)
    (tmp_path / "albert-onnx").symlink_to(artifact)
    code += "np.savez('got.npz', texts=texts, vectors=vectors)"
    without = processes.environment(without_tensorflow=True)  # as the page says
    done = processes.python("-c", code, cwd=tmp_path, env=without)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(2, 32)\n"
    with np.load(tmp_path / "got.npz") as got:
        embed = tf.saved_model.load(str(tiny_embedder))
        expected = embed(tf.constant(got["texts"].tolist()))
        np.testing.assert_allclose(got["vectors"], expected, atol=1e-5)
