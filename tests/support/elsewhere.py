"""Artifacts that the commands write elsewhere: installed, in another folder, locale and time zone.

Example:
    again = elsewhere.exported("preprocess")
"""

import os
import pathlib

from tests.support import installed, processes, shared_run

ENVIRONMENT = {"PYTHONHASHSEED": "12345", "LC_ALL": "C", "TZ": "UTC+9"}
_COMMANDS = {
    "encoder": ("export.encoder", "--config=tiny"),
    "preprocess": ("export.preprocessor",),
}


def exported(name: str) -> pathlib.Path:
    """Returns the folder of version 12 of `encoder` or `preprocess`."""
    return shared_run.once(f"elsewhere/{name}", lambda folder: _write(folder, name))


def _write(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Exports one of them, and returns its folder.

    Python, TensorFlow and NumPy read that environment when they start, so that the command, and
    its load check, are forks of a server of their own, in which no op has run.
    """
    python = installed.python()
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    # What a command adds for the process that it starts, else that would not be a fork.
    env = inherited | ENVIRONMENT | {"PYTHONPATH": str(packages), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with shared_run.start_server(folder / "server", python, env):
        done = processes.python(
            *("-m", *_COMMANDS[name]),
            *(f"--model_name={name}", "--export_dir=elsewhere", "--version=12"),
            cwd=folder,
            env=env,
            executable=folder / "server" / "python",
        )
    assert (done.returncode, done.stdout) == (0, f"elsewhere/{name}/12\n"), done.stderr
    return folder / "elsewhere" / name / "12"
