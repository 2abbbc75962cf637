"""Artifacts that the commands write elsewhere: installed, in another folder, locale and time zone.

Example:
    again = elsewhere.exported() / "preprocess"
"""

import os
import pathlib
import subprocess

from tests.support import installed, shared_run

ENVIRONMENT = {"PYTHONHASHSEED": "12345", "LC_ALL": "C", "TZ": "UTC+9"}
_COMMANDS = (
    "export.encoder --config=tiny --model_name=encoder",
    "export.preprocessor --model_name=preprocess",
)
# TensorFlow reads its environment when it is imported, so that this is not a fork; it forks itself
# before any op has run, so that both commands are the first in their process.
_PROGRAM = f"""
import os, runpy, sys
import tensorflow
for command in {_COMMANDS!r}:
    pid = os.fork()
    if not pid:
        sys.argv = [*command.split(), "--export_dir=elsewhere", "--version=12"]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, command
"""


def exported() -> pathlib.Path:
    """Returns the folder of `encoder` and `preprocess`, of which each has version 12."""

    def write(folder: pathlib.Path) -> pathlib.Path:
        inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        done = subprocess.run(
            [installed.python(), "-c", _PROGRAM],
            cwd=folder,
            env=inherited | ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        printed = "elsewhere/encoder/12\nelsewhere/preprocess/12\n"
        assert (done.returncode, done.stdout) == (0, printed), done.stderr
        return folder / "elsewhere"

    return shared_run.once("elsewhere", write)
