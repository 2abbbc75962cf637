"""The encoder command with `--checkpoint`: a user's files become an artifact, or one clear line."""

import json
import os

import pytest

from tests.support import golden, processes


def _run(*arguments):
    return processes.run("export.encoder", *arguments)


def _export(checkpoint, folder):
    """Exports a checkpoint by the command, and returns the content of the artifact."""
    done = _run("--checkpoint", checkpoint, "--model_name", "golden", "--export_dir", folder)
    assert done.returncode == 0, done.stderr
    path = done.stdout.strip()
    assert path == str(folder / "golden" / "1")
    return processes.contents(path)


def test_command_exports_a_checkpoint_and_records_it(golden_root, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    content = _export(golden_root / "tiny" / "tf1", tmp_path)
    assert os.listdir(temporary) == []
    manifest = json.loads(content["assets.extra/manifest.json"])
    assert manifest["weights"]["source"] == "checkpoint"
    assert manifest["weights"]["format"] == "tf1"
    assert set(manifest["weights"]["files"]) == {
        "model.ckpt-best.index",
        "model.ckpt-best.data-00000-of-00001",
    }
    assert manifest["heads"] == ["mlm", "sop"]
    assert str(golden_root).encode() not in b"".join(content.values())


@pytest.mark.stress  # artifacts/test_encoder_artifact.py has two processes without a checkpoint
def test_two_commands_write_the_same_bytes(golden_root, tmp_path):
    checkpoint = golden_root / "tiny" / "tf1"
    assert _export(checkpoint, tmp_path / "a") == _export(checkpoint, tmp_path / "b")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--checkpoint", "nowhere"], "'nowhere' does not exist"),
        (["--checkpoint", "{root}/tiny/hf"], "without a tokenizer"),
        (["--checkpoint", "{root}/tiny/hf", "--allow_unused", "("], "regular expression"),
        (
            [
                *("--checkpoint", "{root}/tiny/hf/albert_model"),
                *("--sp_model_file", "{vocabulary}", "--mlm"),
            ],
            "--nomlm",
        ),
        (["--checkpoint", "{root}/tiny/model_garden/encoder"], "without a config"),
        (
            ["--checkpoint", "{root}/tiny/tf1", "--config", "tiny"],
            "vocab_size is 30000 in --config",
        ),
        (["--checkpoint", "{root}/tiny/tf1", "--checkpoint_format", "pickle"], "checkpoint_format"),
        (["--checkpoint", "hf://a/b/c"], "must be hf://org/name"),
    ],
)
def test_command_refuses_in_one_line_and_leaves_nothing_behind(
    golden_root, tmp_path, arguments, reason
):
    filled = [
        argument.format(root=golden_root, vocabulary=golden.VOCABULARY) for argument in arguments
    ]
    done = _run(*filled, "--model_name", "golden", "--export_dir", tmp_path / "exports")
    assert reason in processes.error(done)
    assert done.stdout == ""
    assert not (tmp_path / "exports").exists()
