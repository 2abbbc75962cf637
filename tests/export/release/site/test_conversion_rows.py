"""The page of an encoder has the formats that it was converted to, as their manifests say."""

import re

import numpy as np
import pytest
import tensorflow as tf

from configs import hub_api
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
    return [line.split(" | ") for line in section(site).splitlines() if line.startswith("| `")]


def test_a_format_has_a_row_with_what_its_manifest_says(site):
    path = site.convert(HANDLE, "onnx-int8")
    path.with_name("3.intoto.json").touch()
    (row,) = rows(site)
    address = f"{sites.BASE_URL}/org/albert-onnx-int8/3"
    assert row[:5] == [
        *("| `onnx-int8`", "70.8 MB", "ONNX Runtime `4.5.6`", "1.2e-03", "0.999877"),
    ]
    assert row[5].startswith(f"[albert-onnx-int8/3.tar.gz]({address}.tar.gz), ")
    assert f"[provenance]({address}.intoto.json)" in row[5]
    assert "signature" not in row[5]


def test_rows_are_in_the_order_of_the_formats_and_runtimes_have_sections(site):
    for label in ("huggingface", "litert-int8", "onnx-float16", "openvino", "onnx"):
        site.convert(HANDLE, label)
    assert [row[0] for row in rows(site)] == [
        f"| `{label}`"
        for label in ("onnx", "onnx-float16", "litert-int8", "openvino", "huggingface")
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
    ((_, size, runtime, difference, cosine, _),) = rows(site)
    assert (size, runtime, difference, cosine) == ("70.0 MB", "transformers", "-", "-")
    assert "nothing was run" in section(site)
    measured = {"mlm": {"mlm_logits": {"largest_difference": 2e-6, "equal_labels": 1.0}}}
    site.convert(
        HANDLE,
        "huggingface",
        compared={"weights": 30, "bits_equal": True, "texts": 16, "signatures": measured},
        runtime={"transformers": "5.1", "torch": "2.9"},
    )
    ((_, _, runtime, difference, cosine, _),) = rows(site)
    assert (runtime, difference, cosine) == ("transformers `5.1`", "2.0e-06", "-")
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


def test_every_format_has_a_runtime_and_code():
    assert list(conversion_rows.RUNTIMES) == list(formats.FORMATS)


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
