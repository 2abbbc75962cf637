"""`python -m export.preprocessor`, run as a process."""

import filecmp
import getpass
import json
import os
import pathlib
import re
import socket
import sys

import pytest

from tests.support import elsewhere, preprocess_golden, processes, word_pieces


def _run(*arguments, **options):
    return processes.run("export.preprocessor", *arguments, **options)


def _files(directory):
    return sorted(
        str(path.relative_to(directory))
        for path in pathlib.Path(directory).rglob("*")
        if path.is_file()
    )


@pytest.fixture(scope="module")
def twice(tiny_preprocessor):
    """The same export by two processes, from two folders, into two folders."""
    return str(tiny_preprocessor), str(elsewhere.exported("preprocess"))


@pytest.mark.stress
def test_two_processes_write_the_same_bytes(twice):
    files = _files(twice[0])
    assert files == _files(twice[1])
    assert {"saved_model.pb", "fingerprint.pb"} <= set(files)
    _, mismatch, unreadable = filecmp.cmpfiles(*twice, files, shallow=False)
    assert (mismatch, unreadable) == ([], [])


@pytest.mark.stress
def test_the_artifact_knows_nothing_of_the_machine(twice):
    words = {str(processes.REPOSITORY), os.path.dirname(twice[1]), sys.prefix}
    words |= {
        os.path.expanduser("~"),
        socket.gethostname(),
        getpass.getuser(),
        os.path.dirname(os.__file__),
    }
    for file in _files(twice[1]):
        content = (pathlib.Path(twice[1]) / file).read_bytes()
        for word in words:
            whole_word = rb"(?<![A-Za-z0-9_])" + re.escape(word.encode()) + rb"(?![A-Za-z0-9_])"
            # "root" is a word of TensorFlow's own object graphs.
            assert word == "root" or not re.search(whole_word, content), (file, word)


def test_the_graph_stays_small(tiny_preprocessor):
    assert os.path.getsize(os.path.join(tiny_preprocessor, "saved_model.pb")) < 1_500_000


def test_the_manifest_says_what_it_was_made_from(tiny_preprocessor):
    manifest = json.loads((tiny_preprocessor / "assets.extra/manifest.json").read_text())
    assert manifest["artifact"] == "preprocessor"
    assert manifest["default_seq_length"] == 128
    assert manifest["lower_case"] is True
    assert manifest["tokenization"] == "hub"
    assert manifest["tokenizer"] == {
        "file": "en_uncased_30k.model",
        "sha256": preprocess_golden.table()["models"]["main"]["sha256"],
    }


@pytest.mark.stress
def test_a_word_piece_vocabulary_is_exported_without_its_path(tmp_path):
    folder = tmp_path / "secret_folder"
    folder.mkdir()
    path = word_pieces.write(folder)
    done = _run("--vocab_file", path, "--export_dir", tmp_path, "--model_name", "zh", "--version=3")
    assert done.stdout == f"{tmp_path / 'zh' / '3'}\n", done.stderr
    for file in _files(tmp_path / "zh" / "3"):
        assert b"secret" not in (tmp_path / "zh" / "3" / file).read_bytes()
    manifest = json.loads((tmp_path / "zh" / "3" / "assets.extra" / "manifest.json").read_text())
    assert manifest["tokenizer"]["file"] == "vocab.txt"


def test_help_exits_with_0():
    done = _run("--help")
    assert done.returncode == 0
    assert "dir=$(python -m export.preprocessor" in done.stdout
    assert "--default_seq_length" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sp_model_file", "none.model"], "'none.model' does not exist"),
        (["--sp_model_file", "."], "not a regular file"),
        (["--sp_model_file", "empty"], "is empty"),
        (["--sp_model_file", "text"], "not a SentencePiece model"),
        (["--default_seq_length", "2"], "default_seq_length"),
        (["--default_seq_length", "many"], "default_seq_length"),
        (["--tokenization", "other"], "tokenization"),
        (["--vocab_file", "none.txt"], "'none.txt' does not exist"),
        (["--vocab_file", "text"], "token [MASK] is missing"),
        (["--vocab_file", "text", "--sp_model_file", "text"], "not both"),
        (["--vocab_file", "text", "--tokenization", "original"], "is for a SentencePiece model"),
        (["--version", "0"], "version"),
        (["--version", "7"], "exists"),
        (["--export_dir", "gs://bucket/models"], "export to a local folder and copy"),
        (["--export_dir", "text"], "is not a folder"),
        (["--model_name", "a/b"], "model_name"),
        (["left", "over"], "unexpected arguments: left over"),
        (["--no_such_flag"], "no_such_flag"),
    ],
    ids=lambda value: "_".join(value).strip("-") if isinstance(value, list) else "",
)
def test_bad_input_ends_in_one_clear_line(tmp_path, arguments, message):
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("this is not a model\n")
    (tmp_path / "exports" / "albert_en_preprocess" / "7").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    done = _run(*arguments, cwd=tmp_path)
    assert message in processes.error(done)
    assert done.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before
