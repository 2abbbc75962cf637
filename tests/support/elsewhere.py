"""Artifacts that the commands write elsewhere: installed, in another folder, locale and time zone.

Example:
    again = elsewhere.exported() / "preprocess"
"""

import os
import pathlib

from tests.support import installed, processes, shared_run

ENVIRONMENT = {"PYTHONHASHSEED": "12345", "LC_ALL": "C", "TZ": "UTC+9"}
_COMMANDS = {
    "encoder": ("export.encoder", "--config=tiny"),
    "preprocess": ("export.preprocessor",),
}


def exported() -> pathlib.Path:
    """Returns the folder of `encoder` and `preprocess`, of which each has version 12.

    Python, TensorFlow and NumPy read that environment when they start, so that the commands, and
    their load checks, are forks of a server of their own, in which no op has run.
    """

    def write(folder: pathlib.Path) -> pathlib.Path:
        inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        env = inherited | ENVIRONMENT
        with shared_run.start_server(folder / "server", installed.python(), env):
            for name, command in _COMMANDS.items():
                options = (f"--model_name={name}", "--export_dir=elsewhere", "--version=12")
                done = processes.python(
                    *("-m", *command, *options),
                    cwd=folder,
                    env=env,
                    executable=folder / "server" / "python",
                )
                assert (done.returncode, done.stdout) == (0, f"elsewhere/{name}/12\n"), done.stderr
        return folder / "elsewhere"

    return shared_run.once("elsewhere", write)
