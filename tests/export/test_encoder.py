"""The encoder command with `--checkpoint`: a user's files become an artifact, or one clear line."""

import json
import os

import pytest

from tests.support import golden, processes


def _run(*arguments):
    return processes.run("export.encoder", *arguments)


def test_command_exports_a_checkpoint_reproducibly_and_records_it(
    golden_root, stress, tmp_path, monkeypatch
):
    checkpoint = golden_root / "tiny" / "tf1"
    contents = []
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    # `artifacts/test_encoder_artifact.py` has two processes without a checkpoint.
    for name in ("a", "b") if stress else ("a",):
        done = _run(
            "--checkpoint", checkpoint, "--model_name", "golden", "--export_dir", tmp_path / name
        )
        assert done.returncode == 0, done.stderr
        path = done.stdout.strip()
        assert path == str(tmp_path / name / "golden" / "1")
        contents.append(processes.contents(path))
    assert contents[0] == contents[-1]
    assert os.listdir(temporary) == []
    manifest = json.loads(contents[0]["assets.extra/manifest.json"])
    assert manifest["weights"]["source"] == "checkpoint"
    assert manifest["weights"]["format"] == "tf1"
    assert set(manifest["weights"]["files"]) == {
        "model.ckpt-best.index",
        "model.ckpt-best.data-00000-of-00001",
    }
    assert manifest["heads"] == ["mlm", "sop"]
    assert str(golden_root).encode() not in b"".join(contents[0].values())


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
