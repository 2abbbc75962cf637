"""Masked language model training continues an exported encoder, and is exported again."""

import pydoc_data.topics
import re

import numpy as np
import pytest
import tensorflow_hub as hub

from tests.support import processes

SCRIPT = processes.REPOSITORY / "scripts" / "continue_mlm.py"
STEPS = 100  # of which `make test` runs a tenth


@pytest.fixture(scope="module")
def trained(tiny_encoder, tiny_preprocessor, stress, tmp_path_factory):
    """The output folder and the log of training on CPython's documentation."""
    folder = tmp_path_factory.mktemp("continue_mlm")
    passages = "\n\n".join(pydoc_data.topics.topics.values()).split("\n\n")
    text = folder / "text.txt"
    text.write_text("\n".join(" ".join(passage.split()) for passage in passages))
    done = processes.python(
        SCRIPT,
        *("--encoder", tiny_encoder, "--preprocessor", tiny_preprocessor),
        *("--text_file", text, "--output_dir", "trained"),
        *("--num_steps", STEPS if stress else STEPS // 10),
        *("--batch_size", 16, "--seq_length", 64, "--learning_rate", 3e-3),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "trained\n"
    return folder / "trained", done.stderr


@pytest.mark.stress
def test_the_loss_falls_on_real_text(trained):
    losses = [float(loss) for loss in re.findall(r"step \d+: loss (\S+)", trained[1])]
    assert len(losses) == 20
    # The loss starts at a uniform distribution over 30,000 pieces.
    assert losses[0] == pytest.approx(np.log(30000), rel=0.05)
    assert losses[-1] < 0.8 * losses[0]


def test_what_it_writes_is_a_checkpoint_of_the_exporter(trained, tiny_encoder, tmp_path):
    exported = processes.export(
        "export.encoder", "--checkpoint", trained[0], "--model_name", "mine", cwd=tmp_path
    )
    before, after, again = (
        hub.load(str(path)).mlm.variables for path in (tiny_encoder, trained[0], exported)
    )
    assert len(before) == 30
    for old, new, read in zip(before, after, again, strict=True):
        np.testing.assert_array_equal(new, read)
        # The loss has no gradient for the pooler and for biases that a softmax cancels.
        if not re.match("pooler_transform|.*/key/bias", old.name):
            assert not np.array_equal(old, new), old.name


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--encoder": "nowhere"}, "--encoder must exist, got 'nowhere'"),
        ({"--text_file": "nowhere"}, "--text_file must exist, got 'nowhere'"),
        ({"--output_dir": "."}, "--output_dir must be a new folder, got '.'"),
    ],
)
def test_bad_input_is_refused_before_tensorflow_is_imported(
    changed, message, tiny_encoder, tiny_preprocessor, tmp_path
):
    options = {
        "--encoder": tiny_encoder,
        "--preprocessor": tiny_preprocessor,
        "--text_file": SCRIPT,
        "--output_dir": "new",
    } | changed
    done = processes.python(
        SCRIPT,
        *(word for option in options.items() for word in option),
        cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )
    assert processes.error(done) == message


def test_a_file_without_text_is_refused_and_nothing_is_written(
    tiny_encoder, tiny_preprocessor, tmp_path
):
    (tmp_path / "blank.txt").write_text("\n  \n")
    done = processes.python(
        SCRIPT,
        *("--encoder", tiny_encoder, "--preprocessor", tiny_preprocessor),
        *("--text_file", "blank.txt", "--output_dir", "new"),
        cwd=tmp_path,
    )
    assert processes.error(done) == "'blank.txt' has no text"
    assert not (tmp_path / "new").exists()
