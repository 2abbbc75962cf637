"""Artifacts that the commands write elsewhere: another folder, hash seed, locale and time zone.

Example:
    again = elsewhere.exported() / "preprocess"
"""

import pathlib

from tests.support import processes, shared_run

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
        environment = processes.environment() | ENVIRONMENT
        done = processes.python("-c", _PROGRAM, cwd=folder, env=environment)
        printed = "elsewhere/encoder/12\nelsewhere/preprocess/12\n"
        assert (done.returncode, done.stdout) == (0, printed), done.stderr
        return folder / "elsewhere"

    return shared_run.once("elsewhere", write)
