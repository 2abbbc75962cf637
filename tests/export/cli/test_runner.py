"""Errors of `python -m export.encoder`, run as a process, end in one clear line."""

import json
import os
import re
import signal

import pytest

from configs import albert_config
from tests.configs import test_albert_config
from tests.support import golden, processes, sampling

WITHOUT_TENSORFLOW = processes.environment(without_tensorflow=True)


@pytest.fixture
def folder(tmp_path):
    """A working directory with invalid files of every kind."""
    (tmp_path / "not.json").write_text("{not json")
    (tmp_path / "list.json").write_text("[]")
    original = test_albert_config.ORIGINAL
    (tmp_path / "missing.json").write_text(
        json.dumps({k: v for k, v in original.items() if k not in ("hidden_size", "vocab_size")})
    )
    (tmp_path / "heads.json").write_text(json.dumps({**original, "num_attention_heads": 7}))
    (tmp_path / "valid.json").write_text(json.dumps(original))
    (tmp_path / "text.model").write_text("no model at all\n")
    (tmp_path / "empty.model").touch()
    (tmp_path / "unspecial.model").write_bytes(_without(golden.VOCABULARY, b"[MASK]"))
    (tmp_path / "small.model").write_bytes(golden.VOCABULARY.read_bytes())
    (tmp_path / "file").touch()
    (tmp_path / "exports" / "albert_en_tiny" / "7").mkdir(parents=True)
    return tmp_path


def _without(path, piece):
    """Returns a SentencePiece model in which a piece has another name of the same length."""
    content = path.read_bytes()
    assert content.count(piece) >= 1
    return content.replace(piece, b"x" * len(piece))


ERRORS = {
    "no_config": ([], ["--config is required", "large"]),
    "unknown_config": (["--config", "huge"], ["'huge'", "tiny, base, large"]),
    "config_missing": (["--config", "none.json"], ["'none.json'"]),
    "config_is_a_folder": (["--config", "exports"], ["'exports'"]),
    "config_not_json": (["--config", "not.json"], ["'not.json' cannot be read"]),
    "config_no_object": (["--config", "list.json"], ["'list.json' is not a JSON object"]),
    "config_keys": (["--config", "missing.json"], ["missing keys", "vocab_size"]),
    "config_heads": (["--config", "heads.json"], ["hidden_size 1024 is not a multiple", "7"]),
    "config_needs_name": (["--config", "valid.json"], ["--model_name is required"]),
    "dropout": (["--config", "tiny", "--hidden_dropout_prob", "1"], ["hidden_dropout_prob"]),
    "dropout_no_number": (["--config", "tiny", "--hidden_dropout_prob", "x"], ["hidden_dropout"]),
    "seed": (["--config", "tiny", "--seed", "-1"], ["seed"]),
    "compute_dtype": (["--config", "tiny", "--compute_dtype", "float16"], ["compute_dtype"]),
    "model_missing": (["--config", "tiny", "--sp_model_file", "no"], ["'no' does not exist"]),
    "model_is_a_folder": (["--config", "tiny", "--sp_model_file", "."], ["not a regular file"]),
    "model_no_model": (
        ["--config", "tiny", "--sp_model_file", "text.model"],
        ["'text.model' is not a SentencePiece model"],
    ),
    "model_empty": (["--config", "tiny", "--sp_model_file", "empty.model"], ["is empty"]),
    "model_specials": (
        ["--config", "tiny", "--sp_model_file", "unspecial.model"],
        ["piece [MASK] is missing"],
    ),
    "model_size": (
        ["--config", "tiny", "--sp_model_file", "small.model"],
        ["small.model has 100 pieces, but vocab_size is 30000"],
    ),
    "version_exists": (["--config", "tiny", "--version", "7"], ["7' exists"]),
    "version_zero": (["--config", "tiny", "--version", "0"], ["version"]),
    "version_negative": (["--config", "tiny", "--version=-3"], ["version"]),
    "version_no_number": (["--config", "tiny", "--version", "latest"], ["version", "latest"]),
    "export_dir_file": (["--config", "tiny", "--export_dir", "file"], ["is not a folder"]),
    "export_dir_in_file": (["--config", "tiny", "--export_dir", "file/x"], ["is not a folder"]),
    "export_dir_remote": (
        ["--config", "tiny", "--export_dir", "gs://bucket/models"],
        ["remote", "local folder and copy"],
    ),
    "model_name": (["--config", "tiny", "--model_name", "../x"], ["model_name", "'../x'"]),
    "left_over": (["--config", "tiny", "left", "over"], ["unexpected arguments: left over"]),
    "unknown_flag": (["--config", "tiny", "--epochs", "3"], ["epochs"]),
}


@sampling.parametrize(
    ("arguments", "messages"), ERRORS.values(), sample=[*ERRORS.values()][::2], ids=ERRORS
)
def test_bad_input_ends_in_one_clear_line_before_tensorflow_is_imported(
    folder, arguments, messages
):
    before = sorted(folder.rglob("*"))
    done = processes.run("export.encoder", *arguments, cwd=folder, env=WITHOUT_TENSORFLOW)
    _assert_clear_error(done, messages)
    assert sorted(folder.rglob("*")) == before


def test_all_flags_that_are_missing_are_named_at_once(tmp_path):
    done = processes.run("export.embedder", cwd=tmp_path, env=WITHOUT_TENSORFLOW)
    missing = ("--encoder", "--preprocessor", "--model_name")
    assert sorted(processes.error(done).split("; ")) == sorted(f"{x} is required" for x in missing)


def _assert_clear_error(done, messages):
    last_line = processes.error(done)
    assert done.stdout == ""
    for message in messages:
        assert message in last_line


def test_warmup_requests_name_the_package_that_they_need(folder):
    stub = folder / "without" / "sitecustomize.py"
    stub.parent.mkdir()
    stub.write_text("import sys; sys.modules['tensorflow_serving'] = None")
    path = os.pathsep.join([str(stub.parent), WITHOUT_TENSORFLOW["PYTHONPATH"]])
    done = processes.run(
        "export.encoder",
        *("--config", "tiny", "--serving_warmup"),
        cwd=folder,
        env={**WITHOUT_TENSORFLOW, "PYTHONPATH": path},
    )
    _assert_clear_error(done, ["--serving_warmup", "pip install 'tensorflow-serving-api==2.21.*'"])
    assert os.listdir(folder / "exports" / "albert_en_tiny") == ["7"]


@pytest.mark.parametrize("command", ["export.encoder", "export.preprocessor", "export.verify"])
def test_help_exits_with_0_and_imports_no_tensorflow(command, tmp_path):
    done = processes.run(command, "--help", cwd=tmp_path, env=WITHOUT_TENSORFLOW)
    assert done.returncode == 0, done.stderr
    assert command in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "stdout", "status", "stderr"),
    [
        ("runner.run(main)", "a pipe that nobody reads", 1, "error: [Errno 32] Broken pipe"),
        ("runner.run(main)", "/dev/full", 1, "error: [Errno 28] No space left on device"),
        ("sys.argv.append('--help'); runner.run(main)", "a pipe that nobody reads", None, ""),
    ],
)
def test_stdout_that_takes_nothing_is_no_traceback(program, stdout, status, stderr):
    if stdout == "/dev/full":
        descriptor = os.open(stdout, os.O_WRONLY)
    else:
        reader, descriptor = os.pipe()
        os.close(reader)
    code = f"import sys; from export.cli import runner; main = lambda: print('path'); {program}"
    process = processes.start("-c", code, stdout=descriptor)
    os.close(descriptor)
    _, said = process.communicate()
    assert said.strip() == stderr
    assert process.returncode == (-signal.SIGPIPE if status is None else status)


def test_the_stub_would_show_that_tensorflow_is_imported(tmp_path):
    done = processes.run("export.encoder", "--config", "tiny", cwd=tmp_path, env=WITHOUT_TENSORFLOW)
    assert done.returncode != 0
    assert "TensorFlow was imported" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_export_dir_that_is_not_writable_is_an_error(tmp_path, exists):
    read_only = tmp_path / "read_only"
    read_only.mkdir()
    export_dir = read_only if exists else read_only / "below"
    read_only.chmod(0o555)
    arguments = ["-m", "export.encoder", "--config", "tiny", "--export_dir", export_dir]
    if os.geteuid() == 0:  # root can write everywhere
        arguments = ["-c", _AS_NOBODY, tmp_path, *arguments[2:]]
        tmp_path.chmod(0o755)
        for parent in list(tmp_path.parents)[:3]:
            parent.chmod(parent.stat().st_mode | 0o055)
    done = processes.python(*arguments, cwd=tmp_path, env=WITHOUT_TENSORFLOW)
    _assert_clear_error(done, ["export_dir", "is not writable"])
    assert list(read_only.iterdir()) == []


# Imports modules first, because the user `nobody` may not be able to read the checkout.
_AS_NOBODY = """
import os, sys
from export import encoder
from export.cli import runner
os.setgid(65534)
os.setuid(65534)
sys.argv = ["encoder", *sys.argv[2:]]
runner.run(encoder.main)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_leave_nothing_behind(tmp_path, number):
    process = processes.start("-m", "export.encoder", "--config", "tiny", cwd=tmp_path)
    # The staging folder exists when the command says that the weights are random.
    first = process.stderr.readline()
    assert "random" in first
    assert os.listdir(tmp_path / "exports" / "albert_en_tiny") != []
    process.send_signal(number)
    stdout, stderr = process.communicate()
    assert process.returncode == 128 + number, stderr
    assert stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_an_import_makes_an_error_of_is_no_traceback(number):
    """As `import tensorflow` does at times: `ImportError: initialization failed`."""
    code = """
import os, sys
from export.cli import runner

def main(number):
    try:
        os.kill(os.getpid(), int(number))
        for _ in range(1000):
            pass
    except BaseException:
        pass
    raise ImportError("initialization failed")

runner.run(main, positional=["NUMBER"])
"""
    process = processes.start("-c", code, int(number), forked=True)
    _, stderr = process.communicate()
    assert process.returncode == 128 + number
    assert stderr == ("error: interrupted\n" if number == signal.SIGINT else "")


@pytest.mark.parametrize("module", ["export.all", "export.release"])
def test_an_interrupt_while_a_command_imports_is_one_line(module, tmp_path):
    """As Ctrl-C in the first second; absl is the first that commands import."""
    (tmp_path / "absl.py").write_text(
        "import os, signal\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    list(range(1000))\n"
        "except KeyboardInterrupt:\n"
        "    raise ImportError('initialization failed')  # as extensions do at times\n"
    )
    path = os.pathsep.join([str(tmp_path), str(processes.REPOSITORY)])
    environment = processes.environment() | {"PYTHONPATH": path}
    process = processes.start("-m", module, cwd=tmp_path, env=environment)
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr) == (128 + signal.SIGINT, "", "error: interrupted\n")


def test_every_size_is_named_in_the_help(tmp_path):
    done = processes.run("export.encoder", "--help", cwd=tmp_path, env=WITHOUT_TENSORFLOW)
    for size in albert_config.SIZES:
        assert re.search(rf"\b{size}\b", done.stdout)
    for flag in ("config", "sp_model_file", "export_dir", "model_name", "version", "seed", "mlm"):
        assert f"--{flag}" in done.stdout or f"--[no]{flag}" in done.stdout
