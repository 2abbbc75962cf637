"""The demo shows tokens, shapes and, unless the weights are random, nearest sentences."""

import pytest

from tests.support import golden, golden_artifacts, preprocess_artifacts, processes

DEMO = processes.REPOSITORY / "scripts" / "demo.py"


def _demo(encoder, preprocessor, folder):
    arguments = ("--encoder", encoder, "--preprocessor", preprocessor)
    done = processes.python(DEMO, *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.stress
def test_demo_shows_tokens_shapes_and_neighbours(golden_root, tmp_path):
    preprocess_artifacts.write(
        str(tmp_path / "preprocessor"), sp_model_file=str(golden.VOCABULARY), default_seq_length=64
    )
    encoder = golden_artifacts.directory("tiny", golden_root)
    shown = _demo(encoder, tmp_path / "preprocessor", tmp_path)
    for expected in ("[CLS]", "[SEP]", "(5, 64, 32)", "(5, 32)", "Nearest", "violin"):
        assert expected in shown
    assert "random" not in shown


def test_random_weights_are_said_to_be_random_and_how_to_get_others(
    tiny_encoder, tiny_preprocessor, tmp_path
):
    shown = _demo(tiny_encoder, tiny_preprocessor, tmp_path)
    for expected in ("[CLS]", "(5, 128, 32)", "random", "make export CHECKPOINT="):
        assert expected in shown
    assert "Nearest" not in shown


def test_demo_names_a_folder_that_is_missing(tiny_encoder, tmp_path):
    done = processes.python(
        DEMO, "--encoder", tiny_encoder, "--preprocessor", "none", cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )  # fmt: skip
    assert processes.error(done).startswith("--preprocessor must be a folder")
    assert list(tmp_path.iterdir()) == []
