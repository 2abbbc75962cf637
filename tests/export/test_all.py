"""`python -m export.all`: a folder of somebody's model becomes artifacts that belong together."""

import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import subprocess

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the ops

from export.artifacts import encoder_spec
from export.metadata import checksums
from preprocess.tokenizers import engines
from tests.support import cases, processes, shared_run

# In the order in which the command prints them.
_NAMES = ("case", "case_preprocess", "case_text")
_WITHOUT_TEXT_MODEL = _NAMES[:2]
_TOKENIZER = "tokenizer_json_only"
_VOCABULARIES = {
    "tf1_other_file_names": "tf1_other_file_names/vocab_chinese.txt",
    "vocab_txt_beside": "vocab_txt_beside/vocab.txt",
}


def _checkpoint(name, folder):
    """Returns a folder with the weights of a case and a tokenizer beside them."""
    weights = "hf_added_tokens" if name in (_TOKENIZER, "vocab_txt_beside") else name
    shutil.copytree(cases.ROOT / weights, folder)
    if name in _VOCABULARIES:
        shutil.copy(cases.ROOT / _VOCABULARIES[name], folder)
    else:
        packed = gzip.decompress((cases.ROOT / _TOKENIZER / "tokenizer.json.gz").read_bytes())
        (folder / "tokenizer.json").write_bytes(packed)
    return folder


def _run(*arguments):
    return processes.run("export.all", *arguments, "--model_name", "case")


def _exported(names=_WITHOUT_TEXT_MODEL):
    """Returns a folder with `checkpoint` and, below `exports`, the artifacts made of it."""

    def write(folder):
        done = _run(
            *("--checkpoint", _checkpoint(_TOKENIZER, folder / "checkpoint")),
            *("--export_dir", folder / "exports"),
            *([] if names == _NAMES else ["--notext_model"]),
        )
        assert done.returncode == 0, done.stderr
        paths = [str(folder / "exports" / artifact / "1") for artifact in names]
        assert done.stdout.splitlines() == paths
        return folder

    return shared_run.once(f"all/{len(names)}", write)


def _expected_ids():
    return json.loads((cases.ROOT / _TOKENIZER / "case.json").read_text())["expected"]["ids"]


@pytest.mark.stress
def test_a_tokenizer_json_alone_gives_the_ids_of_its_library():
    preprocessor = hub.load(str(_exported() / "exports" / "case_preprocess" / "1"))
    expected = _expected_ids()
    assert preprocessor.tokenize(tf.constant(list(expected))).to_list() == list(expected.values())


def test_the_encoder_computes_what_transformers_computes():
    encoder = hub.load(str(_exported() / "exports" / "case" / "1"))
    case = cases.CASES["hf_added_tokens"]
    inputs = {name: tf.constant(value, tf.int32) for name, value in case.inputs().items()}
    assert {"sequence_output", "mlm_logits"} <= case.compare(encoder.mlm(inputs))


@pytest.mark.stress
def test_they_are_those_of_the_single_commands(tmp_path):
    folder = _exported()
    encoder = processes.export(
        *("export.encoder", "--checkpoint", folder / "checkpoint", "--model_name", "case"),
        cwd=tmp_path,
    )
    preprocessor = processes.export(
        *("export.preprocessor", "--encoder", encoder, "--model_name", "case_preprocess"),
        cwd=tmp_path,
    )
    for path in (encoder, preprocessor):
        together = folder / "exports" / path.relative_to(tmp_path / "exports")
        assert processes.contents(path) == processes.contents(together)


@pytest.mark.stress  # text models have tests of their own
def test_the_text_model_embeds_where_there_is_no_fine_tuned_head():
    exports = _exported(_NAMES) / "exports"
    module = hub.load(str(exports / "case_text" / "1"))
    packed = hub.load(str(exports / "case_preprocess" / "1"))(tf.constant(["the [MASK] sat"]))
    vector = hub.load(str(exports / "case" / "1"))(packed)["pooled_output"][0]
    np.testing.assert_allclose(module(tf.constant(["the [MASK] sat"]))[0], vector, atol=1e-5)


@pytest.mark.parametrize("name", _VOCABULARIES)
def test_the_only_vocabulary_beside_the_weights_is_theirs(name, tmp_path):
    spec = encoder_spec.from_checkpoint(str(_checkpoint(name, tmp_path / "checkpoint")))
    vocabulary = (cases.ROOT / _VOCABULARIES[name]).read_text().split("\n")
    tokens = ["一", "丁"]
    engine = engines.make(
        spec.tokenizer.described,
        tokenization=spec.tokenizer.tokenization,
        lower_case=spec.tokenizer.lower_case,
    )
    expected = [[vocabulary.index(token)] for token in tokens]
    assert engine.encode(tf.constant(tokens)).to_list() == expected
    is_hugging_face = name == "vocab_txt_beside"
    assert spec.tokenizer.tokenization == ("huggingface" if is_hugging_face else "hub")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preprocessor_name", "case"], "must have different names"),
        (["--task", "classify"], "--task=classify needs the head .classify"),
        (["--version", "1"], "exists; versions are never overwritten"),
        (["--lower_case"], r"--lower_case is not for --tokenization=huggingface"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(arguments, message, tmp_path):
    (tmp_path / "case_preprocess" / "1").mkdir(parents=True)
    checkpoint = _exported() / "checkpoint"
    done = processes.run(
        "export.all",
        *("--checkpoint", checkpoint, "--model_name", "case", "--export_dir", tmp_path),
        *arguments,
        env=processes.environment(without_tensorflow=True),
    )
    assert message in processes.error(done)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == [
        "case_preprocess",
        "case_preprocess/1",
    ]


@pytest.mark.stress  # small artifacts are killed by publishing/test_kills.py
def test_killed_at_any_moment_it_leaves_complete_versions(tmp_path):
    checkpoint = _exported(_NAMES) / "checkpoint"
    exports = _exported(_NAMES) / "exports"
    # Every process has another hash seed.
    good = {name: processes.contents(exports / name / "1") for name in _NAMES}
    generator = random.Random(2)
    halves = 0
    for number in range(30):
        export_dir = tmp_path / str(number)
        arguments = ["--checkpoint", checkpoint, "--export_dir", export_dir]
        arguments += ["--model_name", "case"]
        process = processes.start("-m", "export.all", *arguments)
        if number % 2 == 0:  # between the renames or just around them
            while process.poll() is None and not (export_dir / "case_preprocess" / "1").exists():
                pass
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=generator.uniform(0, 15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        versions = {name: _versions(export_dir / name) for name in _NAMES}
        for name, found in versions.items():
            assert found in ([], ["1"])
            for version in found:
                _assert_complete(export_dir / name / version, good[name])
        # The encoder comes last.
        assert versions["case"] <= versions["case_text"] <= versions["case_preprocess"]
        halves += versions["case"] != versions["case_preprocess"]
        done = processes.run("export.all", *arguments)
        assert done.returncode == 0, done.stderr
        expected = "2" if versions["case_preprocess"] else "1"
        for name in _NAMES:
            assert done.stdout.count(f"/{name}/{expected}\n") == 1
            path = export_dir / name / expected
            _assert_complete(path, good[name])
            assert [entry for entry in os.listdir(path.parent) if entry.startswith(".")] == []
        shutil.rmtree(export_dir)
    print(f"\n{number + 1} kills, {halves} between the renames: nothing partial")


def _assert_complete(path, contents):
    assert checksums.problems(str(path)) == []
    assert processes.contents(path) == contents


def _versions(folder):
    return sorted(n for n in os.listdir(folder) if n.isdigit()) if folder.is_dir() else []
