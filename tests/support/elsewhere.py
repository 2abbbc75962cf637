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
    return shared_run.once("elsewhere", _write) / name / "12"


def _write(folder: pathlib.Path) -> pathlib.Path:
    """Exports both, and returns their folder.

    Python, TensorFlow and NumPy read that environment when they start, so that the commands, and
    their load checks, are forks of a server of their own, in which no op has run.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    env = inherited | ENVIRONMENT
    with shared_run.start_server(folder / "server", installed.python(), env):
        for name, command in _COMMANDS.items():
            done = processes.python(
                *("-m", *command, f"--model_name={name}", "--export_dir=elsewhere", "--version=12"),
                cwd=folder,
                env=env,
                executable=folder / "server" / "python",
            )
            assert (done.returncode, done.stdout) == (0, f"elsewhere/{name}/12\n"), done.stderr
    return folder / "elsewhere"
