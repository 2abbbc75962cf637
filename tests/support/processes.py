"""Runs the project's commands as their users do: in processes, most of them forked (`fork_server`).

Example:
    done = processes.run("export.encoder", "--config", "tiny", "--export_dir", folder)
"""

import functools
import os
import pathlib
import signal
import subprocess
import sys
import zlib
from collections.abc import Mapping
from typing import Any

from tests.support import shared_run

REPOSITORY = pathlib.Path(__file__).parents[2]

# Contains a stub `tensorflow` that cannot be imported, so a run that succeeds does not import it.
NO_TENSORFLOW = REPOSITORY / "tests" / "testdata" / "no_tensorflow"


def environment(*, without_tensorflow: bool = False) -> dict[str, str]:
    """Returns an environment in which the checkout's packages can be imported from anywhere."""
    path = [str(NO_TENSORFLOW)] if without_tensorflow else []
    kept = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([*path, str(REPOSITORY)]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def start(
    *arguments: object,
    cwd: str | os.PathLike[str] = REPOSITORY,
    env: Mapping[str, str] | None = None,
    without_tensorflow: bool = False,
    forked: bool = False,
    **options: Any,
) -> subprocess.Popen[str]:
    """Starts Python in a process of its own, for tests that send signals or kill it.

    SIGINT interrupts it, even if this process ignores SIGINT, as under `nohup`. Without TensorFlow,
    or `forked`, it is a fork, which ends if it or the process that is returned is killed.
    """
    executable = os.environ[shared_run.PYTHON] if forked else sys.executable
    if without_tensorflow:
        executable = os.environ[shared_run.PYTHON_WITHOUT_TENSORFLOW]
    return subprocess.Popen(
        [executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(without_tensorflow=without_tensorflow) if env is None else env,
        text=True,
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def run(
    module: str, *arguments: object, cwd: str | os.PathLike[str] = REPOSITORY, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m module arguments` in the folder `cwd` and returns what it wrote."""
    return python("-m", module, *arguments, cwd=cwd, **options)


def python(
    *arguments: object,
    cwd: str | os.PathLike[str] = REPOSITORY,
    env: Mapping[str, str] | None = None,
    executable: str | os.PathLike[str] | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Runs Python with `arguments` in the folder `cwd` and returns what it wrote."""
    env = environment() if env is None else env
    is_without = str(NO_TENSORFLOW) in env.get("PYTHONPATH", "")
    variable = shared_run.PYTHON_WITHOUT_TENSORFLOW if is_without else shared_run.PYTHON
    executable = executable or os.environ.get(variable, sys.executable)
    return subprocess.run(
        [executable, *map(str, arguments)],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def error(done: subprocess.CompletedProcess[str]) -> str:
    """Returns the error, the last line on stderr, of a command that must fail."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: "), last
    return last.removeprefix("error: ")


def export(module: str, *arguments: object, cwd: str | os.PathLike[str]) -> pathlib.Path:
    """Runs an exporter that must succeed and returns the path it printed, made absolute."""
    done = run(module, *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, done.stdout
    return pathlib.Path(cwd) / done.stdout.removesuffix("\n")


def exported(module: str, *arguments: object) -> pathlib.Path:
    """Returns the path of an export that happens once per test run."""
    name = f"{module}-{zlib.crc32(repr(arguments).encode()):x}"
    return shared_run.once(name, lambda folder: export(module, *arguments, cwd=folder))


def contents(directory: str | os.PathLike[str]) -> dict[str, bytes]:
    """Returns the bytes of every file below `directory` by its relative path."""
    root = pathlib.Path(directory)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
