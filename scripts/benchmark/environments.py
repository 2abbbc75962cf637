"""One virtual environment per engine, so that no engine decides another's versions."""

import configparser
import os
import shutil
import subprocess
import sys

from scripts.benchmark import engines, failure

_SETUP_CFG = "setup.cfg"
# Lists what was installed: written last, so that a half-made environment is made again.
_MARK = "requirements.txt"


def make(environment: engines.Environment, *, directory: str, log_dir: str) -> str:
    """Makes an environment unless it stands there already, and returns its Python.

    Args:
      environment: what to install.
      directory: of all environments.
      log_dir: where pip's output goes.

    Raises:
      failure.EngineError: pip fails.
    """
    root = os.path.join(directory, environment.name)
    python = os.path.join(root, "bin", "python")
    wanted = "\n".join(environment.requirements or _own_requirements()) + "\n"
    mark = os.path.join(root, _MARK)
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == wanted:
                return python
    shutil.rmtree(root, ignore_errors=True)
    log_path = os.path.join(log_dir, f"pip_{environment.name}.log")
    with open(log_path, "w", encoding="utf-8") as log:
        for arguments in (
            [sys.executable, "-m", "venv", root],
            [python, "-m", "pip", "install", *wanted.splitlines()],
        ):
            if subprocess.run(arguments, stdout=log, stderr=subprocess.STDOUT).returncode:
                raise failure.EngineError(
                    f"environment {environment.name} does not install; see {log_path}"
                )
    with open(mark, "w", encoding="utf-8") as file:
        file.write(wanted)
    return python


def _own_requirements() -> list[str]:
    """Returns the toolchain's requirements; the toolchain itself is run from the checkout."""
    parser = configparser.ConfigParser()
    parser.read(_SETUP_CFG)
    lines = parser["options"]["install_requires"].splitlines()
    return [line.replace(" ", "") for line in lines if line and not line.startswith("#")]
