"""Runs the project's commands as their users do: in a process of their own.

done = processes.run("export.encoder", "--config", "tiny", "--export_dir", folder)
"""

import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping

REPOSITORY = pathlib.Path(__file__).parents[2]

# Where a stub `tensorflow` stands: importing it fails, so that a run which succeeds imports none.
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


def run(
    module: str,
    *arguments: object,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m module arguments` in the folder `cwd` and returns what it wrote."""
    return python("-m", module, *arguments, cwd=cwd, env=env)


def python(
    *arguments: object,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs this interpreter with `arguments` in the folder `cwd` and returns what it wrote."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment() if env is None else env,
        capture_output=True,
        text=True,
        check=False,
    )


def error(done: subprocess.CompletedProcess[str]) -> str:
    """Returns the error that a command which must fail ended with: its last line on stderr."""
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


def contents(directory: str | os.PathLike[str]) -> dict[str, bytes]:
    """Returns the bytes of every file below `directory` by its relative path."""
    root = pathlib.Path(directory)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
