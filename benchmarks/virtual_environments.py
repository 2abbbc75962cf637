"""Virtual environments for what must not decide our own versions: other engines, other TensorFlows.

python = virtual_environments.make(
    "build/venvs/torch", python=sys.executable, installs=[["torch"]], log_path="build/torch.log"
)
"""

import os
import shutil
import subprocess
from collections.abc import Sequence

# Lists what was installed: written last, so that a half-made environment is made again.
_MARK = "requirements.txt"


def make(root: str, *, python: str, installs: Sequence[Sequence[str]], log_path: str) -> str:
    """Makes an environment unless it stands there already, and returns its Python.

    Args:
      root: its folder.
      python: interpreter to make it with.
      installs: arguments of `pip install`, once for each list.
      log_path: where pip's output goes.

    Raises:
      subprocess.CalledProcessError: venv or pip fails.
    """
    installed = os.path.join(root, "bin", "python")
    wanted = "".join(" ".join(arguments) + "\n" for arguments in installs)
    mark = os.path.join(root, _MARK)
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == wanted:
                return installed
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(os.path.dirname(root), exist_ok=True)
    pip = [installed, "-m", "pip", "install", "--no-cache-dir"]
    with open(log_path, "w", encoding="utf-8") as log:
        for command in ([python, "-m", "venv", root], *([*pip, *given] for given in installs)):
            subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=True)
    with open(mark, "w", encoding="utf-8") as file:
        file.write(wanted)
    return installed
