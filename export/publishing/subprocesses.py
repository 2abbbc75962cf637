"""Python processes of our own, from wherever this one was started.

Example:
    subprocess.run([sys.executable, "-m", "export.encoder"], env=subprocesses.environment())
"""

import os


def environment() -> dict[str, str]:
    """Returns this process's environment, with the project's packages in Python's path."""
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 2))
    path = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
