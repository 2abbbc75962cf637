"""Makes virtual environments for packages whose versions conflict with our own.

Example:
    python = virtual_environments.make(
        "torch", python=sys.executable, installs=[["torch"]], directory="venvs", log_dir="build"
    )
"""

import os
import shutil
import subprocess
from collections.abc import Sequence

from configs import errors

# Lists what was installed. It is written last, so an incomplete environment is made again.
_MARK = "requirements.txt"


def make(
    name: str, *, python: str, installs: Sequence[Sequence[str]], directory: str, log_dir: str
) -> str:
    """Makes an environment unless it exists, and returns its Python.

    Args:
      name: the environment's folder in `directory`.
      python: the interpreter that runs `venv`.
      installs: arguments of one `pip install` each.
      directory: the folder of all environments.
      log_dir: the folder for pip's output.

    Raises:
      errors.InputError: venv or pip fails.
    """
    root = os.path.join(directory, name)
    log_path = os.path.join(log_dir, f"pip_{name}.log")
    installed = os.path.join(root, "bin", "python")
    wanted = "".join(" ".join(arguments) + "\n" for arguments in installs)
    mark = os.path.join(root, _MARK)
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == wanted:
                return installed
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(directory, exist_ok=True)
    pip = [installed, "-m", "pip", "install", "--no-cache-dir"]
    with open(log_path, "w", encoding="utf-8") as log:
        for command in ([python, "-m", "venv", root], *([*pip, *given] for given in installs)):
            if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode:
                raise errors.InputError(f"environment {name} cannot be made; see {log_path}")
    with open(mark, "w", encoding="utf-8") as file:
        file.write(wanted)
    return installed
