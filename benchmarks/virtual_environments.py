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
    name: str,
    *,
    python: str,
    installs: Sequence[Sequence[str]],
    npm_packages: Sequence[str] = (),
    directory: str,
    log_dir: str,
) -> str:
    """Makes an environment unless it exists, and returns its Python.

    Args:
      name: the environment's folder in `directory`.
      python: the interpreter that runs `venv`.
      installs: arguments of one `pip install` each.
      npm_packages: packages for node_modules in the environment's folder.
      directory: the folder of all environments.
      log_dir: the folder for the installers' output.

    Raises:
      errors.InputError: venv, pip or npm fails.
    """
    root = os.path.join(directory, name)
    log_path = os.path.join(log_dir, f"pip_{name}.log")
    installed = os.path.join(root, "bin", "python")
    wanted = "".join(
        " ".join(arguments) + "\n" for arguments in (*installs, npm_packages) if arguments
    )
    mark = os.path.join(root, _MARK)
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == wanted:
                return installed
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(directory, exist_ok=True)
    pip = [installed, "-m", "pip", "install", "--no-cache-dir"]
    commands = [[python, "-m", "venv", root], *([*pip, *given] for given in installs)]
    if npm_packages:
        commands.append(["npm", "install", "--prefix", root, "--ignore-scripts", *npm_packages])
    with open(log_path, "w", encoding="utf-8") as log:
        for command in commands:
            if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode:
                raise errors.InputError(f"environment {name} cannot be made; see {log_path}")
    with open(mark, "w", encoding="utf-8") as file:
        file.write(wanted)
    return installed
