"""The environment of Python processes that this project starts.

Example:
    subprocess.run([sys.executable, "-m", "export.encoder"], env=subprocesses.environment())
"""

import os
import pathlib


def environment() -> dict[str, str]:
    """Returns this process's environment with the project's root in `PYTHONPATH`."""
    root = str(pathlib.Path(__file__).resolve().parents[2])
    path = filter(None, [root, os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
