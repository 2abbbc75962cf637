"""Runs Python programs in forks of one process that has imported TensorFlow, but has run no op.

Where TensorFlow cannot be imported, it imports what commands import before they refuse bad input.

    python tests/support/fork_server.py DESCRIPTOR_OF_A_LISTENING_SOCKET FOLDER < PIPE

Python needs seconds to import TensorFlow, and tests run many commands. What a program could notice
is the same as in a process of its own: arguments, working directory, environment, open files,
umask, limits, exit status. A program whose environment differs in what is read once, when Python
starts or TensorFlow is imported, gets a process of its own, and so does one with options of Python.
`fork_client.py` is the other side. The server ends when its stdin is closed, also if the tests were
killed, and removes their folder.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import re
import resource
import runpy
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import types
from typing import Any, NoReturn

# Variables that Python, the C library, TensorFlow or NumPy read once. CUDA's are read later, and
# TF_CONFIG when a strategy is made.
_READ_ONCE = re.compile(
    "(PYTHON|LANG|LC_|LD_|MALLOC|TF_(?!CONFIG$)|XLA|OMP_|MKL_|KMP_|OPENBLAS).*|TZ"
)
_LIGHT = (
    "absl.app",
    "numpy",
    "google.protobuf.descriptor_pb2",
    "importlib.metadata",
    "rich.progress",
    "export.api",
)
# Not TensorFlow Text: a program that forgets to import it must fail in a fork, too.
_HEAVY = ("tensorflow", "tensorflow_hub", "export.artifacts.encoder_artifact")
_MESSAGE = 1 << 20  # bytes; more than the kernel allows
_HIGH = 300  # clients have no descriptors from here on


def main(listener: socket.socket, folder: str) -> None:
    """Serves until stdin is closed. All but the loop happens in forks, one for each client."""
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        _import()
        if not os.fork():
            listener.close()
            request, descriptors = _supervise(connection)
            _become(request, descriptors)
            _run_to_the_end(request["arguments"])
        connection.close()
        with contextlib.suppress(ChildProcessError):  # there are none
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    shutil.rmtree(folder, ignore_errors=True)  # the other server may remove it too


def _import() -> None:
    if "absl.app" not in sys.modules:
        for name in _LIGHT:
            importlib.import_module(name)
        with contextlib.suppress(RuntimeError):  # the stub's
            for name in _HEAVY:
                importlib.import_module(name)
        gc.collect()
        gc.freeze()  # otherwise the collector makes the forks copy all objects


def _supervise(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Returns the request in a fork. This process waits, and sends the fork's status to the client.

    If the client ends first, this process kills the fork.
    """
    child = os.fork()
    if not child:
        return _request(connection)
    poll = select.poll()
    poll.register(os.pidfd_open(child), select.POLLIN)
    poll.register(connection, 0)  # reports its end
    if connection.fileno() in dict(poll.poll()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(BrokenPipeError):
        connection.send(json.dumps(status).encode())
    os._exit(0)


def _request(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Returns the client's request and files; exits if the program needs a process of its own."""
    message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE, 253)
    request = json.loads(message)
    served = _read_once(request["environ"]) == _read_once(os.environ)
    connection.send(json.dumps(os.getpid() if served else None).encode())
    if not served:
        os._exit(0)
    connection.close()
    return request, descriptors


def _read_once(environ: Any) -> dict[str, Any]:
    found: dict[str, Any] = {k: v for k, v in environ.items() if _READ_ONCE.fullmatch(k)}
    found["PYTHONPATH"] = list(dict.fromkeys(found.get("PYTHONPATH", "").split(os.pathsep)))
    return found


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Gives this process the session, files, folder, limits and environment of the request."""
    os.setsid()
    high = [os.dup2(one, _HIGH + number) for number, one in enumerate(descriptors)]
    os.closerange(0, _HIGH)
    for descriptor, number in zip(high, request["descriptors"], strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.umask(request["umask"])
    for limit, values in request["limits"].items():
        resource.setrlimit(int(limit), values)
    os.environ.clear()
    os.environ.update(request["environ"])
    tempfile.tempdir = None  # TMPDIR is read once
    ignored = request["ignores_sigint"]  # as under nohup
    signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
    sys.executable = request["executable"]


def _run_to_the_end(arguments: list[str]) -> NoReturn:
    """Ends the process as Python does, but for taking TensorFlow down, which takes a second."""
    status: Any = 0
    try:
        _run(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    if not (status is None or isinstance(status, int)):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()  # waits for what is not a daemon
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((status or 0) & 0xFF)


def _run(arguments: list[str]) -> None:
    """Runs `-m MODULE`, `-c CODE` or `FILE`, as Python does."""
    kind, *rest = arguments
    if kind == "-m":
        sys.path[0] = os.getcwd()
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.path[0] = ""
        sys.argv = ["-c", *rest[1:]]
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), sys.modules["__main__"].__dict__)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(kind))
        sys.argv = arguments
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
