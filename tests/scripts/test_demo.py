"""The demo runs, and says so when the weights are random."""

from tests.support import processes

DEMO = processes.REPOSITORY / "scripts" / "demo.py"


def test_demo_shows_tokens_shapes_and_neighbours(tiny_encoder, tiny_preprocessor, tmp_path):
    done = processes.python(
        DEMO, "--encoder", tiny_encoder, "--preprocessor", tiny_preprocessor, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for expected in ("[CLS]", "[SEP]", "(5, 128, 32)", "(5, 32)", "violin", "random"):
        assert expected in done.stdout


def test_demo_names_a_folder_that_is_missing(tiny_encoder, tmp_path):
    done = processes.python(
        DEMO, "--encoder", tiny_encoder, "--preprocessor", "none", cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )  # fmt: skip
    assert processes.error(done).startswith("--preprocessor must be a folder")
    assert list(tmp_path.iterdir()) == []
