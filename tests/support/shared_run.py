"""The fork servers and the artifacts that all workers of a test run share.

Example:
    shared_run.once("tiny_encoder", lambda folder: processes.export("export.encoder", cwd=folder))
"""

import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

# Environment variables with the run's folder, and with the paths of `fork_client`'s copies.
_FOLDER = "ALBERT_TESTS_FOLDER"
PYTHON = "ALBERT_TESTS_PYTHON"
PYTHON_WITHOUT_TENSORFLOW = "ALBERT_TESTS_PYTHON_WITHOUT_TENSORFLOW"

_SUPPORT = pathlib.Path(__file__).parent


def start(env: dict[str, str], without_tensorflow: dict[str, str]) -> Callable[[], object]:
    """Makes the run's folder and starts the fork servers; returns what ends all of them.

    They end as well when this process is killed.

    Args:
      env: environment of the one that imports TensorFlow.
      without_tensorflow: environment of the one that does not, because it cannot.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="albert-tests-"))
    os.environ[_FOLDER] = str(folder)
    light_folder = folder / "without_tensorflow"
    server = start_server(folder, sys.executable, env)
    light = start_server(light_folder, sys.executable, without_tensorflow)
    os.environ[PYTHON] = str(folder / "python")
    os.environ[PYTHON_WITHOUT_TENSORFLOW] = str(light_folder / "python")

    def end() -> None:
        light.communicate()
        server.communicate()

    return end


def start_server(
    folder: pathlib.Path, executable: str | pathlib.Path, env: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Starts a fork server of that Python, whose programs `python` in the folder runs."""
    folder.mkdir(exist_ok=True)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener,
        open(folder / "fork_server.log", "wb") as log,
    ):
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        descriptor = fcntl.fcntl(listener, fcntl.F_DUPFD_CLOEXEC, 3)  # stdin may be closed here
        server = subprocess.Popen(
            [executable, _SUPPORT / "fork_server.py", str(descriptor), folder],
            env=env,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C reaches the tests alone
        )
        os.close(descriptor)
    python = folder / "python"
    client = (_SUPPORT / "fork_client.py").read_text()
    python.write_text(f"#!{sys.executable} -ISE\n{client}")
    python.chmod(0o755)
    return server


def once(name: str, make: Callable[[pathlib.Path], Any]) -> pathlib.Path:
    """Returns the path of an artifact, which the first call of the test run makes.

    Args:
      name: name of the artifact, as a relative path.
      make: writes the artifact into the empty folder that it gets, and returns its path.
    """
    folder = pathlib.Path(os.environ[_FOLDER], "artifacts", name)
    folder.mkdir(parents=True, exist_ok=True)
    content, made = folder / "content", folder / "made"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(content, ignore_errors=True)  # a failed call may have left files
            content.mkdir()
            made.write_text(str(make(content)))
        return pathlib.Path(made.read_text())
