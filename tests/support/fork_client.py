"""Replaces the `python` program: the fork server runs the program, or else this process does.

`shared_run` puts an executable copy of this file beside the server's socket. Signals are forwarded
to the server's process, and this process ends with its status. If this process is killed, the
server kills the other.
"""

import json
import os
import resource
import signal
import socket
import sys

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
_MESSAGE = 1 << 16


def main(executable: str, *arguments: str) -> None:
    served = arguments and (arguments[0] in ("-m", "-c") or not arguments[0].startswith("-"))
    status = _ask(executable, arguments) if served else None
    if status is None:
        os.execv(sys.executable, [sys.executable, *arguments])
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) in _FORWARDED:
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    sys.exit(os.waitstatus_to_exitcode(status))


def _ask(executable: str, arguments: tuple[str, ...]) -> int | None:
    """Returns the exit status of the program; None if the server refuses it."""
    descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    descriptors = [number for number in descriptors if _is_open(number)]  # not that of listdir
    os.umask(umask := os.umask(0))
    limits = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
    request = {
        "arguments": arguments,
        "executable": executable,
        "descriptors": descriptors,
        "cwd": os.getcwd(),
        "umask": umask,
        "limits": {limit: resource.getrlimit(limit) for limit in limits},
        "environ": dict(os.environ),
        "ignores_sigint": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(os.path.join(os.path.dirname(executable), "socket"))
        socket.send_fds(server, [json.dumps(request).encode()], descriptors)
        child = json.loads(server.recv(_MESSAGE))
        if child is None:
            return None
        for number in _FORWARDED:
            signal.signal(number, lambda received, _: os.kill(child, received))
        return json.loads(server.recv(_MESSAGE))


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv)
