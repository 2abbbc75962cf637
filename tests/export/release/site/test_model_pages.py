"""The pages of models say what the manifests say, in TF Hub's format; their snippets run."""

import dataclasses
import hashlib
import json
import re

import pytest

from configs import errors, head_config
from export.artifacts import (
    embedder_artifact,
    embedder_spec,
    encoder_artifact,
    encoder_spec,
    head_choice,
    tokenizer_choice,
)
from export.metadata import finalize
from tests.support import golden, preprocess_artifacts, processes, sites

# The first line, from tensorflow/tfhub.dev's documentation of the format.
_HANDLE = re.compile(r"# (Module|Collection|Publisher) [a-z\d-]+(/[\w.-]+)*")
_TAG = re.compile(r"<!-- ([\w-]+): (.+) -->")
_WEIGHTS = {
    "source": "checkpoint",
    "format": "hugging_face",
    "dtypes": ["float32"],
    "files": {"model.safetensors": "5" * 64},
    "repository": "albert/albert-large-v2@0123abc",
}


def tags(page):
    return dict(_TAG.findall(page))


def sections(page):
    return re.findall("^##+ (.+)$", page, flags=re.MULTILINE)


@pytest.fixture
def site(tmp_path):
    return sites.Site(tmp_path / "dist")


def page_of(site, handle, artifact):
    site.add(handle, artifact)
    site.write()
    return site.text(f"{handle}.md")


def test_page_of_large_has_all_that_the_seed_page_has(site):
    site.add("org/albert_en_preprocess/3", sites.preprocessor())
    page = page_of(
        site, "org/albert_en_large/3", sites.encoder("large", weights=_WEIGHTS, parameters=17713920)
    )
    lines = page.splitlines()
    assert lines[0] == "# Module org/albert_en_large/3"
    assert lines[1] and not lines[2]
    assert tags(page) == {
        "asset-path": f"{sites.BASE_URL}/org/albert_en_large/3.tar.gz",
        "colab": tags(page)["colab"],
        "dataset": "wikipedia-and-bookscorpus",
        "fine-tunable": "true",
        "format": "saved_model_2",
        "language": "en",
        "license": "apache-2.0",
        "network-architecture": "transformer",
        "task": "text-embedding",
    }
    # The sections of the seed page, and additional ones.
    assert sections(page) == [
        *("Overview", "Text", "Prerequisites", "Usage", "Basic usage", "Advanced topics"),
        *(
            "Keras 3",
            "Unpadded computation",
            "Masked Language Model",
            "Sentence order",
            "Signatures",
        ),
        *("For code written for TF Hub's versions 1 and 2", "Limits", "Download"),
        *("Changelog", "Version 3"),
    ]
    for fact in (
        "| L, hidden layers | 24 |",
        "| H, hidden size | 1024 |",
        "| A, attention heads | 16 |",
        "| parameters, heads included | 17,713,920 |",
        "arxiv.org/abs/1909.11942",
        "`albert/albert-large-v2@0123abc`",
        "5" * 64,
        "recommend fine-tuning all of them",
        "common_saved_model_apis/text#transformer-encoders",
        f"{sites.BASE_URL}/org/albert_en_preprocess/3",
        f"{sites.BASE_URL}/org/collections/albert/1",
        "`pooled_output`",
        "`sequence_output`",
        "`masked_lm_positions`",
        "[batch_size, num_predict, 30000]",
        "`layer.resolved_object.sp_model_file.asset_path`",
        "persistent",
        "At most 512 tokens",
        "Keras 2",
        "TensorFlow 2.13",
    ):
        assert fact in page, fact


@pytest.mark.parametrize(
    ("asked", "callables"),
    [
        ((), set()),
        (("attention_outputs",), {'"attention_probs"'}),
        (("from_embeddings",), {"from_embeddings.lookup"}),
        (
            ("attention_outputs", "from_embeddings"),
            {'"attention_probs"', "from_embeddings.lookup"},
        ),
    ],
)
def test_page_documents_explanations_where_they_are(site, asked, callables):
    manifest = sites.encoder("large") | dict.fromkeys(asked, True)
    page = page_of(site, "org/albert_en_large/1", manifest)
    assert ("Explanations" in sections(page)) == bool(asked)
    assert {n for n in ('"attention_probs"', "from_embeddings.lookup") if n in page} == callables
    assert ("[batch_size, 16, seq_length, seq_length]" in page) == ("attention_outputs" in asked)
    assert ("[batch_size, seq_length, 128]" in page) == ("from_embeddings" in asked)


@pytest.mark.parametrize("asked", [False, True])
def test_page_says_that_gradients_compute_blocks_again(site, asked):
    manifest = sites.encoder("large") | ({"recompute": True} if asked else {})
    page = page_of(site, "org/albert_en_large/1", manifest)
    assert ("Training memory" in sections(page)) == ("--recompute" in page) == asked


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (sites.UNTRAINED, {"language": "en", "license": "apache-2.0"}),
        # The license of the checkpoint is unknown.
        ({**_WEIGHTS, "repository": "someone/albert@0"}, {"language": "en"}),
        (
            _WEIGHTS,
            {"language": "en", "license": "apache-2.0", "dataset": "wikipedia-and-bookscorpus"},
        ),
    ],
)
def test_tags_of_origin_are_given_only_where_it_is_known(site, weights, expected):
    page = page_of(site, "org/albert/1", sites.encoder("base", weights=weights))
    found = {key: tags(page).get(key) for key in ("language", "license", "dataset")}
    assert {key: value for key, value in found.items() if value} == expected


def test_an_unknown_vocabulary_has_no_language(site):
    tokenizer = {"file": "mine.model", "sha256": "1" * 64}
    page = page_of(site, "org/mine/1", sites.preprocessor(tokenizer=tokenizer))
    assert not {"language", "license", "dataset"} & tags(page).keys()
    assert tags(page)["fine-tunable"] == "false"
    assert tags(page)["task"] == "text-preprocessing"


def test_languages_that_the_manifest_says_come_first(site):
    site.add("org/encoder/1", sites.encoder("base") | {"language": ["hi", "ta"]})
    text_model = sites.text_model("classify")
    text_model["made_from"]["encoder"]["language"] = ["pt-BR"]
    site.add("org/text/1", text_model)
    site.write()
    page = site.text("org/encoder/1.md")
    assert re.findall("<!-- language: (.+) -->", page) == ["hi", "ta"]
    assert "| language | hi, ta |" in page
    assert "| language | pt-BR |" in site.text("org/text/1.md")
    collection = re.findall("<!-- language: (.+) -->", site.text("org/collections/albert/1.md"))
    assert collection == ["hi", "pt-BR", "ta"]


def test_an_encoder_says_what_is_done_to_text(site):
    said = {"lower_case": False, "keep_accents": True, "tokenization": "original"}
    said["tokenizer_notices"] = ["7 of its pieces `are` never produced"]
    page = page_of(site, "org/albert/1", sites.encoder("base") | said)
    for fact in (
        "| case | cased: text keeps its case |",
        "| accents | kept |",
        "| tokenization | as google-research/albert's own tokenizer does it |",
        "*   `` 7 of its pieces `are` never produced ``",
        f"The sha256 of the vocabulary is `{sites.RELEASED_VOCABULARY}`",
    ):
        assert fact in page


def test_an_encoder_without_tokenizer_has_a_page(site):
    page = page_of(site, "org/albert/1", sites.encoder("base") | {"tokenizer": None})
    assert "| vocabulary | none: the ids are not made from text |" in page
    assert "language" not in tags(page)


def test_what_was_left_out_assumed_and_guessed_is_said(site):
    assert "Left out" not in page_of(site, "org/a/1", sites.encoder("base", weights=_WEIGHTS))
    weights = {
        **_WEIGHTS,
        "unused": {"module.extra": "a head of its own"},
        "assumed": {"layer_norm_eps": 1e-12},
        "guessed_heads": {"classify": "by its name"},
    }
    tokenizer = {"file": "a.model", "sha256": "1" * 64, "rows_without_piece": 7}
    page = page_of(site, "org/b/1", sites.encoder("base", weights=weights, tokenizer=tokenizer))
    for fact in (
        "*   Left out of the checkpoint: `module.extra`, `a head of its own`.",
        "*   Neither config nor weights say `layer_norm_eps`: it is `1e-12`",
        "*   The head `classify` is a guess: `by its name`.",
        "*   The last 7 rows of the token embeddings have no piece",
    ):
        assert fact in page
    text_model = sites.text_model("classify")
    text_model["made_from"]["encoder"]["weights"] = weights
    assert "`module.extra`" in page_of(site, "org/c/1", text_model)


def _verified(site, handle, artifact, **found):
    """Adds a model with what was found in its tarball, and returns its page."""
    tarball = site.add(handle, artifact)
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    results = {"subject": {"name": "x", "sha256": digest}, "checks": ["a", "b"], **found}
    (tarball.parent / "1.verify.json").write_text(json.dumps(results))
    site.write()
    return site.text(f"{handle}.md")


def test_a_page_says_how_the_model_was_verified(site):
    assert "Verification" not in sections(page_of(site, "org/a/1", sites.encoder("base")))
    found = {"engine": "another", "output": "x", "difference": 1.2e-7, "tolerance": 1e-5}
    page = _verified(site, "org/b/1", sites.encoder("base"), weights=25, outputs=[found])
    assert "Verification" in sections(page)
    assert "all of\n2 checks passed" in page
    assert "The 25 variables were compared" in page
    assert "Against `another`:\n\n| output |" in page
    assert "| `x` | 1.2e-07 | 1.0e-05 |" in page
    page = _verified(site, "org/c/1", sites.encoder("base"))
    assert "not compared" in page and "The 25" not in page
    assert "not compared" not in _verified(site, "org/d/1", sites.preprocessor())


@pytest.mark.parametrize("content", ["", "[]", '{"subject": {"sha256": "0"}}'])
def test_a_verification_of_another_tarball_or_none_is_refused(site, content):
    tarball = site.add("org/a/1", sites.encoder("base"))
    (tarball.parent / "1.verify.json").write_text(content)
    with pytest.raises(errors.VerificationError, match=r"org/a/1\.verify\.json"):
        site.write()


def test_an_encoder_without_heads_says_so_and_shows_no_use_of_them(site):
    page = page_of(site, "org/plain/1", sites.encoder("base", heads=()))
    assert "there is no `.mlm`" in page
    assert "there is no `.sop`" in page
    assert "model.mlm" not in page
    assert "model.sop" not in page


def test_an_encoder_names_the_preprocessor_of_its_vocabulary(site):
    other = {"file": "other.model", "sha256": "2" * 64}
    site.add("org/a_preprocess/1", sites.preprocessor(tokenizer=other))
    site.add("org/b_preprocess/2", sites.preprocessor())
    site.add("org/b_preprocess/10", sites.preprocessor())
    page = page_of(site, "org/albert/1", sites.encoder("base"))
    assert f'hub.KerasLayer("{sites.BASE_URL}/org/b_preprocess/10")' in page
    assert "a_preprocess" not in page
    assert "seq_length = 96" in page  # the preprocessor's default


def test_an_encoder_does_not_name_a_preprocessor_of_another_tokenization(site):
    says = {"tokenization": "hub", "lower_case": True, "keep_accents": False}
    for name, changes in (("hub", {}), ("original", {"tokenization": "original"})):
        site.add(f"org/{name}/1", sites.preprocessor() | says | changes)
    page = page_of(site, "org/albert_en_base/1", sites.encoder("base") | says)
    assert "org/hub/1" in page and "org/original/1" not in page


def test_an_encoder_without_a_preprocessor_says_how_to_make_one(site):
    page = page_of(site, "org/albert/1", sites.encoder("base"))
    assert "python -m export.preprocessor" in page


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tokenization": "original"}, "google-research/albert's own tokenizer, with which"),
        ({"tokenization": "hub"}, "The ids are those of TF Hub's preprocessor"),
        ({"lower_case": False}, "It is cased"),
        ({"custom_ops": ["WordpieceTokenizeWithOffsets"]}, "word pieces as BERT does"),
    ],
)
def test_a_preprocessor_says_whose_ids_it_gives(site, changes, expected):
    artifact = sites.preprocessor() | changes
    assert expected in page_of(site, "org/preprocess/1", artifact)


def test_a_model_names_the_libraries_that_register_its_ops(site):
    artifact = sites.preprocessor() | {"custom_ops": ["CaseFoldUTF8", "SentencepieceOp"]}
    page = page_of(site, "org/preprocess/1", artifact)
    assert "load\n`_normalize_ops.so`, `_sentencepiece_tokenizer.so` from" in page
    artifact["custom_ops"].append("AnotherOp")  # of a later version
    assert ".so`" not in page_of(site, "org/preprocess/2", artifact)


def test_changelog_tells_what_differs_from_the_version_before(site):
    site.add("org/albert/2", sites.encoder("base", heads=["mlm"]))
    site.add("org/albert/9", sites.encoder("base", heads=["mlm", "sop"], parameters=7654321))
    page = page_of(site, "org/albert/10", sites.encoder("base", heads=["mlm", "sop"]))
    changelog = page[page.index("## Changelog") :]
    assert sections(changelog) == ["Changelog", "Version 10", "Version 9", "Version 2"]
    assert "`heads`: `mlm`, now `mlm`, `sop`" in changelog
    assert "`parameters`: `7654321`, now `1234567`" in changelog
    assert "First version here." in changelog
    # A version's page does not know of later ones.
    assert sections(site.text("org/albert/2.md"))[-2:] == ["Changelog", "Version 2"]


def test_free_text_of_a_manifest_is_not_markup(site):
    hostile = "a`b``c <script>alert(1)</script> [x](javascript:alert(1))\n\n# Heading"
    weights = {**_WEIGHTS, "repository": hostile, "files": {hostile: "5" * 64}}
    tokenizer = {"file": hostile, "sha256": "3" * 64}
    artifact = sites.encoder("base", weights=weights, tokenizer=tokenizer)
    page = page_of(site, "org/albert/1", artifact)
    assert "Heading" not in sections(page)
    html = sites.Page(site.text("org/albert/1.html"))
    assert "script" not in html.tags
    assert not [link for link in html.links if link.startswith("javascript")]
    shown = " ".join(hostile.split())
    assert html.text.count(shown) == 3
    assert shown in " ".join(sites.Page(site.text("index.html")).text.split())


def test_collection_and_publisher_name_the_latest_version_of_each_model(site):
    site.add("org/albert_en_base/9", sites.encoder("base"))
    site.add("org/albert_en_base/10", sites.encoder("base"))
    site.add("org/albert_en_preprocess/1", sites.preprocessor())
    site.write()
    for path in ("org/collections/albert/1.md", "org/org.md"):
        page = site.text(path)
        assert _HANDLE.fullmatch(page.splitlines()[0])
        assert f"{sites.BASE_URL}/org/albert_en_base/10" in page
        assert f"{sites.BASE_URL}/org/albert_en_preprocess/1" in page
        assert "albert_en_base/9" not in page
    collection = site.text("org/collections/albert/1.md")
    assert "| 12 | 768 | 12 | 1,234,567 |" in collection
    # The format requires these addresses, but they are not links.
    assert "https://tfhub.dev/org/albert_en_base/10" in collection
    links = sites.Page(site.text("org/collections/albert/1.html")).links
    assert links and not [link for link in links if "tfhub.dev" in link]


def _with_all_heads(golden_root):
    """Returns the spec of golden `tiny` with a head of every kind, so that all snippets run."""
    labels = ("a", "b", "c")
    heads = (
        head_config.HeadConfig(
            kind="classify", labels=labels, problem_type=head_config.SINGLE_LABEL
        ),
        head_config.HeadConfig(kind="tag", labels=labels),
        head_config.HeadConfig(kind="answer"),
        head_config.HeadConfig(kind="choose"),
    )
    spec = encoder_spec.from_checkpoint(
        str(golden_root / "tiny" / "tf1"),
        tokenizer=tokenizer_choice.Request(sp_model_file=str(golden.VOCABULARY)),
    )
    chosen = head_choice.Chosen(heads=heads, untrained=head_config.KINDS)
    return dataclasses.replace(spec, chosen_heads=chosen)


@pytest.fixture(scope="module")
def artifacts(golden_root, tmp_path_factory, stress):
    """Artifacts by handle: with --stress those of golden `tiny`, which has both heads as well."""
    folder = tmp_path_factory.mktemp("artifacts")
    preprocessor = str(folder / "preprocessor")
    preprocess_artifacts.write(
        preprocessor, sp_model_file=str(golden.VOCABULARY), default_seq_length=64
    )
    finalize.finalize(preprocessor, serving_warmup=False)
    made = {"org/preprocess/2": preprocessor}
    if stress:
        made["org/tiny/3"] = encoder = str(folder / "encoder")
        encoder_artifact.write(
            encoder,
            spec=_with_all_heads(golden_root),
            compute_dtype="float32",
            attention_outputs=True,
            from_embeddings=True,
        )
        finalize.finalize(encoder, serving_warmup=False)
        made["org/embedder/1"] = str(folder / "embedder")
        spec = embedder_spec.EmbedderSpec(
            encoder_dir=encoder,
            preprocessor_dir=preprocessor,
            pooling="mean",
            normalize=True,
            max_seq_length=64,
        )
        embedder_artifact.write(made["org/embedder/1"], spec=spec)
        finalize.finalize(made["org/embedder/1"], serving_warmup=False)
    return made


@pytest.fixture(scope="module")
def documented(artifacts, tmp_path_factory):
    site = sites.Site(tmp_path_factory.mktemp("documented") / "dist")
    for handle, directory in artifacts.items():
        site.add(handle, directory)
    site.write()
    return site


_PRINTED = {
    "org/tiny/3": "shape=(1, 2)",  # probabilities of the sentence order
    "org/preprocess/2": "mask_id",
    "org/embedder/1": "(2, 32)",
}


# It needs a process of its own.
_KERAS3 = re.compile("^### Keras 3\n.*?^```python\n(.*?)^```$", re.M | re.S)


@pytest.mark.stress
@pytest.mark.parametrize("handle", _PRINTED)
def test_snippets_run_in_their_order(documented, artifacts, tmp_path, handle):
    page = _KERAS3.sub("", documented.text(f"{handle}.md"))
    snippets = re.findall("^```python\n(.*?)^```$", page, re.M | re.S)
    assert len(snippets) > 3
    done = _run("".join(snippets), artifacts, tmp_path)
    assert done.returncode == 0, done.stderr
    assert _PRINTED[handle] in done.stdout


@pytest.mark.stress
@pytest.mark.parametrize("handle", _PRINTED)
def test_the_snippet_for_keras_3_runs_by_itself(documented, artifacts, tmp_path, handle):
    (code,) = _KERAS3.findall(documented.text(f"{handle}.md"))
    done = _run(code, artifacts, tmp_path)
    assert done.returncode == 0, done.stderr
    shown = "2, 64" if "preprocess" in handle else "loss"  # a tuple, or a TensorShape
    assert shown in done.stdout


def _run(code, artifacts, folder):
    """Runs code of a page, with folders in place of handles."""
    for other, directory in artifacts.items():
        code = code.replace(f'"{sites.BASE_URL}/{other}"', repr(directory))
    assert sites.BASE_URL not in code
    # With an option, so not in a fork: a snippet chooses a Keras before it imports TensorFlow.
    return processes.python("-W", "ignore", "-c", code, cwd=folder)
