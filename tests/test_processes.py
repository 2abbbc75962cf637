"""A program cannot tell whether it was forked; what would tell it makes it a process of its own."""

import os
import resource
import signal
import sys

import pytest

from tests.support import processes, shared_run

_REPORT = """
import os, resource, signal, sys
print(sys.argv, __name__, sys.path[0], os.getcwd(), sorted(os.environ.items()))
print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_FSIZE), sys.stdin.read())
print(signal.getsignal(signal.SIGINT), os.listdir("/proc/self/fd"), file=sys.stderr)
sys.exit(3)
"""


def _limit():
    os.umask(0o027)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12345, 12345))


def _both(tmp_path, monkeypatch, *arguments, **options):
    """Returns what a program does in a fork and, with TensorFlow to import, in a process."""
    found = []
    for executable in (os.environ[shared_run.PYTHON], sys.executable):
        monkeypatch.setenv(shared_run.PYTHON, executable)
        found.append(processes.python(*arguments, cwd=tmp_path, **options))
    return found


@pytest.mark.parametrize("form", ["-c", "-m", "file"])
def test_a_fork_sees_what_a_process_sees(tmp_path, monkeypatch, form):
    (tmp_path / "program.py").write_text(_REPORT)
    arguments = {"-c": ["-c", _REPORT], "-m": ["-m", "program"], "file": ["program.py"]}[form]
    environment = processes.environment() | {"A": "b", shared_run.PYTHON: ""}
    forked, real = _both(
        tmp_path, monkeypatch, *arguments, "c d", env=environment, preexec_fn=_limit
    )
    assert (forked.stdout, forked.returncode) == (real.stdout, 3)
    assert forked.stderr == real.stderr


def test_a_fork_that_dies_of_a_signal_or_an_error_ends_as_a_process(tmp_path, monkeypatch):
    forked, real = _both(tmp_path, monkeypatch, "-c", "import os; os.kill(os.getpid(), 9)")
    assert forked.returncode == real.returncode == -signal.SIGKILL
    forked, real = _both(tmp_path, monkeypatch, "-c", "raise ValueError('no')")
    assert forked.returncode == real.returncode == 1
    assert forked.stderr.splitlines()[-1] == real.stderr.splitlines()[-1] == "ValueError: no"


def test_a_program_that_must_not_import_tensorflow_finds_it_nowhere(tmp_path):
    code = "import sys; print('numpy' in sys.modules, 'tensorflow' in sys.modules)"
    without = processes.environment(without_tensorflow=True)
    done = processes.python("-c", code, cwd=tmp_path, env=without)
    assert done.stdout == "True False\n", done.stderr
    done = processes.python("-c", "import tensorflow", cwd=tmp_path, env=without)
    assert done.stderr.splitlines()[-1] == "RuntimeError: TensorFlow was imported"


@pytest.mark.parametrize(
    ("changed", "modules"), [({}, True), ({"TF_X": "1"}, False), ({"PYTHONHASHSEED": "7"}, False)]
)
def test_what_is_read_once_is_read_by_a_process_of_its_own(tmp_path, changed, modules):
    code = "import sys; print('tensorflow' in sys.modules)"
    done = processes.python("-c", code, cwd=tmp_path, env=processes.environment() | changed)
    assert done.stdout == f"{modules}\n", done.stderr


def test_a_fork_has_no_ops_of_tensorflow_text_before_it_imports_them(tmp_path):
    """Otherwise no test would find a program that forgets the import."""
    program = "import sys; print('tensorflow' in sys.modules, 'tensorflow_text' in sys.modules)"
    done = processes.python("-c", program, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "True False\n"), done.stderr
