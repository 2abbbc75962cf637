"""An encoder and a preprocessor belong together by what both record, or one says nothing."""

import json

import pytest
import tensorflow_hub as hub

from export.artifacts import belonging, tokenizer_choice
from tests.support import golden, preprocess_artifacts, processes, tokenizers

_HUB = {"tokenization": "hub", "lower_case": True, "keep_accents": False}


def _artifact(folder, **content):
    (folder / "assets.extra").mkdir(parents=True, exist_ok=True)
    (folder / "assets.extra" / "manifest.json").write_text(json.dumps(content))
    return str(folder)


@pytest.fixture
def check(tmp_path):
    """Compares what two manifests say."""

    def compare(encoder, preprocessor, **options):
        tokenizer = {"file": "a.model", "sha256": "a" * 64}
        folders = [
            _artifact(tmp_path / name, **{"artifact": name, "tokenizer": tokenizer, **said})
            for name, said in (("encoder", encoder), ("preprocessor", preprocessor))
        ]
        return belonging.check(*folders, **options)

    return compare


def test_the_same_tokenizer_belongs(check):
    assert check(_HUB, _HUB) == belonging.Belonging()


def test_another_vocabulary_is_refused_with_the_way_out(check):
    other = {"file": "b.model", "sha256": "b" * 64}
    (problem,) = check(_HUB, {**_HUB, "tokenizer": other}, allow_other_tokenization=True).problems
    for word in ("a.model, sha256 aaaaaaaaaaaa", "b.model", "export.preprocessor --encoder"):
        assert word in problem
    without_paths = {"file": "a.model", "sha256": "c" * 64, "asset_sha256": "a" * 64}
    assert check(_HUB, {**_HUB, "tokenizer": without_paths}).problems == ()


@pytest.mark.parametrize(
    "change",
    [
        {"tokenization": "original"},
        {"lower_case": False},
        {"keep_accents": True},
        {"tokenization": "huggingface", "tokenization_sha256": "d" * 64},
    ],
)
def test_another_tokenization_is_refused_unless_it_is_allowed(check, change, tmp_path):
    (problem,) = check(_HUB, _HUB | change).problems
    assert "'hub' (lower-cased, without accents)" in problem
    assert "--allow_other_tokenization" in problem
    allowed = check(_HUB, _HUB | change, allow_other_tokenization=True)
    assert allowed.problems == () and allowed.differs and len(allowed.notices) == 1


def test_manifests_of_the_last_version_say_less(check):
    found = check({}, {"tokenization": "hub", "lower_case": True})
    assert found.problems == () and "does not say its tokenization" in found.notices[0]


def test_an_encoder_without_a_tokenizer_has_no_preprocessor(check):
    assert "--notokenizer" in check({"tokenizer": None}, _HUB).problems[0]


def test_assets_say_what_a_lost_manifest_said(tmp_path, golden_root):
    (tmp_path / "encoder" / "assets").mkdir(parents=True)
    tokenizers.write("v5_lower0_keep1", tmp_path)
    request = tokenizer_choice.Request(tokenization="huggingface")
    tokenizer = tokenizer_choice.resolve(request, directories=[str(tmp_path)])
    for name, content in (
        (tokenizer.vocabulary.file_name, tokenizer.asset),
        ("tokenizer_config.json", tokenizer.settings),
        ("tokenizer.json", tokenizer.tokenizer_json),
    ):
        (tmp_path / "encoder" / "assets" / name).write_bytes(content)
    encoder = str(tmp_path / "encoder")
    preprocessor = _artifact(tmp_path / "preprocessor", **tokenizer.manifest_entries())
    assert belonging.check(encoder, preprocessor) == belonging.Belonging()
    cased = {**tokenizer.manifest_entries(), "lower_case": True}
    assert belonging.check(encoder, _artifact(tmp_path / "other", **cased)).problems


@pytest.mark.stress
def test_tf_hub_s_encoder_is_accepted_and_embeds(golden_root, tmp_path):
    encoder = golden_root / "tiny" / "model_garden" / "saved_model"
    preprocessor = tmp_path / "preprocessor"
    preprocess_artifacts.write(
        preprocessor, sp_model_file=str(golden.VOCABULARY), default_seq_length=64
    )
    done = processes.run(
        "export.embedder",
        *("--encoder", encoder, "--preprocessor", preprocessor, "--model_name", "embedder"),
        *("--pooling", "mean"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "embedder: the encoder does not say its tokenization" in done.stderr
    texts = ["the river rose", "a"]
    packed = hub.load(str(preprocessor))(texts)
    states = hub.load(str(encoder))(packed)["sequence_output"].numpy()
    vectors = hub.load(str(tmp_path / done.stdout.strip()))(texts).numpy()
    for row, mask, vector in zip(states, packed["input_mask"].numpy(), vectors, strict=True):
        assert vector == pytest.approx(row[mask == 1].mean(axis=0), abs=1e-5)
