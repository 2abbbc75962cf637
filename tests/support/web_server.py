"""Runs nginx with the project's configuration, on a free port.

Example:
    with web_server.nginx(site.root, folder=tmp_path) as base_url:
        urllib.request.urlopen(f"{base_url}/index.html")
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support import processes

CONFIGURATION = processes.REPOSITORY / "hosting" / "nginx.conf"
_LISTEN = "listen 127.0.0.1:8500;"
_ROOT = "root ../../dist;"
_SECONDS_TO_START = 30

_BINARY = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")

needs_nginx = pytest.mark.skipif(
    _BINARY is None, reason="nginx is not installed (Debian: nginx-light)"
)


@contextlib.contextmanager
def nginx(root: pathlib.Path, *, folder: pathlib.Path) -> Iterator[str]:
    """Yields the address of a server of the folder `root`, which ends with the block.

    Only the port and the root of the configuration are changed.
    """
    port = free_port()
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert text.count(_LISTEN) == text.count(_ROOT) == 1
    text = text.replace(_LISTEN, f"listen 127.0.0.1:{port};").replace(_ROOT, f"root {root};")
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    main = "daemon off;"
    if os.geteuid() == 0:  # nginx's default user for workers may not read temporary folders
        main += " user root;"
    assert _BINARY
    with (
        open(folder / "nginx.log", "wb") as log,
        subprocess.Popen(
            [_BINARY, "-p", folder, "-c", configuration, "-g", main], stderr=log, stdout=log
        ) as process,
    ):
        try:
            _wait_until_up(port, process, folder / "nginx.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def free_port() -> int:
    """Returns a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(port: int, process: subprocess.Popen, log: pathlib.Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with (
            contextlib.suppress(ConnectionRefusedError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
    raise AssertionError(log.read_text())
