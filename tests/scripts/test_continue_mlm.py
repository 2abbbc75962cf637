"""Pre-training continues an exported encoder, survives being killed, and is exported again."""

import os
import pydoc_data.topics
import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from tests.support import processes, shared_run

_MODULE = "scripts.continue_mlm"
_STEPS = 100  # of which `make test` runs a tenth


def _write_documents(folder):
    """Writes CPython's documentation as two files with a sentence per line."""
    folder.mkdir()
    documents = [
        "\n".join(re.split(r"(?<=[.!?:])\s+", " ".join(topic.split())))
        for topic in pydoc_data.topics.topics.values()
    ]
    for number in range(2):
        text = "\n\n".join(documents[number::2])
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")


def _arguments(encoder, preprocessor, folder, /, **changed):
    options = {
        "encoder": encoder,
        "preprocessor": preprocessor,
        "text_file": folder / "text" / "*.txt",
        "output_dir": "trained",
        "batch_size": 16,
        "seq_length": 64,
        "learning_rate": 3e-3,
        **changed,
    }
    return ["-m", _MODULE, *(f"--{name}={value}" for name, value in options.items())]


@pytest.fixture(scope="module")
def encoder(stress, tiny_encoder):
    """An encoder, with `.sop` in the long run. Tests must not write into it."""
    return _with_sop() if stress else tiny_encoder


def _with_sop():
    return processes.exported(
        "export.encoder", "--config", "tiny", "--new_head", "sop", "--model_name", "tiny_sop"
    )


@pytest.fixture(scope="module")
def trained(encoder, tiny_preprocessor, stress):
    """The folder of a training, its log and the number of its steps."""
    steps = _STEPS if stress else _STEPS // 10

    def train(folder):
        _write_documents(folder / "text")
        options = {"num_steps": steps, "checkpoint_dir": "checkpoints", "tensorboard_dir": "board"}
        arguments = _arguments(encoder, tiny_preprocessor, folder, sop=stress, **options)
        done = processes.python(*arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "trained\n"
        (folder / "log").write_text(done.stderr)
        return folder

    folder = shared_run.once("continue_mlm", train)
    return folder, (folder / "log").read_text(), steps


def _weights(directory):
    """Returns the variables of a SavedModel by their keys."""
    reader = tf.train.load_checkpoint(str(directory / "variables" / "variables"))
    return {
        name: reader.get_tensor(name)
        for name, dtype in reader.get_variable_to_dtype_map().items()
        if dtype == tf.float32
    }


def _assert_close(directory, other, atol):
    before, after = _weights(directory), _weights(other)
    assert before.keys() == after.keys() and before
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, rtol=0, atol=atol, err_msg=name)


@pytest.mark.stress
def test_the_losses_fall_on_real_text(trained):
    losses = [float(loss) for loss in re.findall(r", mlm (\S+),", trained[1])]
    assert len(losses) == 20
    # The loss starts at a uniform distribution over 30,000 pieces.
    assert losses[0] == pytest.approx(np.log(30000), rel=0.05)
    assert losses[-1] < 0.8 * losses[0]


def test_what_it_writes_is_a_checkpoint_of_the_exporter(trained, encoder, stress, tmp_path):
    exported = processes.export(
        "export.encoder",
        "--checkpoint",
        trained[0] / "trained",
        "--model_name",
        "mine",
        cwd=tmp_path,
    )
    loaded = [hub.load(str(path)) for path in (encoder, trained[0] / "trained", exported)]
    heads = [[*model.mlm.variables] for model in loaded]
    assert len(heads[0]) == 30
    if stress:
        for model, variables in zip(loaded, heads, strict=True):
            variables += model.sop.variables[-2:]
    for old, new, read in zip(*heads, strict=True):
        np.testing.assert_array_equal(new, read)
        # The losses have no gradient for biases that a softmax cancels, and the pooler has one from
        # the order alone.
        if not re.match(".*/key/bias" if stress else ".*/key/bias|pooler_transform", old.name):
            assert not np.array_equal(old, new), old.name


def test_scalars_for_tensorboard_are_the_lines_on_stderr(trained):
    folder, log, steps = trained
    (path,) = (folder / "board").iterdir()
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            found.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    lines = re.findall(r"step (\d+): loss (\S+?)(?:, mlm (\S+), sop (\S+))?, ", log)
    assert int(lines[-1][0]) == steps
    for step, *losses in lines:
        for name, loss in zip(("loss", "mlm_loss", "sop_loss"), losses, strict=True):
            assert not loss or found[name][int(step)] == pytest.approx(float(loss), abs=1e-4)
    assert found["learning_rate"][steps] == pytest.approx(3e-3 / steps, rel=1e-3)
    assert {"mlm_accuracy", "tokens_per_second"} < found.keys()


@pytest.mark.stress
def test_a_killed_run_goes_on_to_the_same_weights(trained, encoder, tiny_preprocessor):
    folder = trained[0]
    options = {"num_steps": _STEPS, "save_every": 30, "checkpoint_dir": "killed"}
    options |= {"output_dir": "again", "sop": True}
    arguments = _arguments(encoder, tiny_preprocessor, folder, **options)
    for steps in (45, 75):
        run = processes.start(*arguments, cwd=folder)
        for line in run.stderr:
            if f"step {steps}:" in line:
                run.kill()
                break
        run.communicate()
        assert not (folder / "again").exists()
    done = processes.python(*arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "continues after step 60" in done.stderr
    _assert_close(folder / "trained", folder / "again", atol=0)
    assert processes.contents(folder / "again").keys() == processes.contents(encoder).keys()


def test_another_run_does_not_go_on(trained, encoder, tiny_preprocessor, stress):
    folder, _, steps = trained
    light = processes.environment(without_tensorflow=True)
    changed = {"num_steps": steps, "checkpoint_dir": "checkpoints", "seed": 1, "output_dir": "new"}
    changed["sop"] = stress
    arguments = _arguments(encoder, tiny_preprocessor, folder, **changed)
    message = processes.error(processes.python(*arguments, cwd=folder, env=light))
    assert (
        message == "--checkpoint_dir=checkpoints has a run with other settings: seed was 0 and is 1"
    )
    changed["checkpoint_dir"] = "text"
    arguments = _arguments(encoder, tiny_preprocessor, folder, **changed)
    message = processes.error(processes.python(*arguments, cwd=folder, env=light))
    assert message == "--checkpoint_dir must be a new folder or that of a run, got 'text'"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"encoder": "nowhere"}, "--encoder must exist, got 'nowhere'"),
        ({"text_file": "nowhere*"}, "--text_file must exist, got 'nowhere*'"),
        ({"text_file": "."}, "--text_file must be a file, got '.'"),
        (
            {"text_file": "text.gz"},
            "--text_file must be text in UTF-8 that is not compressed, got 'text.gz'",
        ),
        ({"output_dir": "."}, "--output_dir must be a new folder, got '.'"),
        (
            {"seq_length": 600},
            "--seq_length must be at most 512, the encoder's number of positions, got 600",
        ),
        ({"encoder": "."}, "--encoder must be a folder that export.encoder wrote, got '.'"),
        (
            {"encoder": "a [1]"},
            "--encoder must not have '[' in its path, which TensorFlow reads as a pattern, got "
            "'a [1]'",
        ),
        (
            {"output_dir": "new [1]"},
            "--output_dir must not have '[' in its path, which TensorFlow reads as a pattern, got "
            "'{folder}/new [1]'",
        ),
        (
            {"checkpoint_dir": "new [1]"},
            "--checkpoint_dir must not have '[' in its path, which TensorFlow reads as a pattern, "
            "got '{folder}/new [1]'",
        ),
    ],
)
def test_bad_input_is_refused_before_tensorflow_is_imported(
    changed, message, tiny_encoder, tiny_preprocessor, tmp_path
):
    (tmp_path / "text.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00")
    (tmp_path / "text.txt").write_text("A line.")
    (tmp_path / "a [1]").mkdir()
    changed = {"text_file": "text.txt", **changed}
    done = processes.python(
        *_arguments(tiny_encoder, tiny_preprocessor, tmp_path, **changed),
        cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )
    assert processes.error(done) == message.format(folder=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a [1]", "text.gz", "text.txt"]


@pytest.mark.stress
def test_a_file_without_text_is_refused_and_nothing_is_written(
    tiny_encoder, tiny_preprocessor, tmp_path
):
    (tmp_path / "blank.txt").write_text("\n  \n")
    done = processes.run(
        _MODULE,
        *("--encoder", tiny_encoder, "--preprocessor", tiny_preprocessor),
        *("--text_file", "blank.txt", "--output_dir", "new"),
        cwd=tmp_path,
    )
    assert processes.error(done) == "blank.txt has no text"
    assert not (tmp_path / "new").exists()


@pytest.mark.stress
def test_text_without_pairs_is_refused(encoder, tiny_preprocessor, tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "single.txt").write_text("One line.\n\nAnother document.\n")
    arguments = _arguments(_with_sop(), tiny_preprocessor, tmp_path, sop=True)
    message = processes.error(processes.python(*arguments, cwd=tmp_path))
    assert message.startswith("--sop needs documents of several lines")
