"""Headless Chromium, told what to do through a pipe in its DevTools protocol.

    with browser.Browser(tmp_path) as chromium:
        chromium.open("http://127.0.0.1:8500/", width=360, height=740)
        chromium.evaluate("document.title")

https://chromedevtools.github.io/devtools-protocol
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
from typing import Any

import pytest

_BINARY = shutil.which("chromium")

needs_chromium = pytest.mark.skipif(
    _BINARY is None, reason="Chromium is not installed (Debian: chromium)"
)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--remote-debugging-pipe"),
)


class Browser:
    """A browser with one page. A context manager: leaving it ends the browser."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def __enter__(self) -> "Browser":
        assert _BINARY
        read, self._write = os.pipe()
        self._read, write = os.pipe()
        # It reads from descriptor 3 and writes to 4. (A plain sh knows no descriptors over 9.)
        redirected = f'exec "$@" 3<&{read} 4>&{write}'
        profile = f"--user-data-dir={self._folder / 'profile'}"
        self._log = open(self._folder / "chromium.log", "wb")
        self._process = subprocess.Popen(
            ["bash", "-c", redirected, "bash", _BINARY, *_FLAGS, profile, "about:blank"],
            pass_fds=(read, write),
            stdout=self._log,
            stderr=self._log,
        )
        os.close(read)
        os.close(write)
        self._buffer = b""
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()
        os.close(self._read)
        os.close(self._write)

    def open(self, url: str, *, width: int, height: int) -> None:
        """Opens a page in a window of that size, in CSS pixels, and waits until it is loaded."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self._events.clear()
        assert "errorText" not in self._call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive())

    def evaluate(self, expression: str) -> Any:
        """Returns the value of a JavaScript expression, which JSON can carry."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: pathlib.Path) -> None:
        """Writes a picture of the whole page, a PNG file."""
        picture = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._read, 1 << 16)
            assert part, (self._folder / "chromium.log").read_text(errors="replace")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
