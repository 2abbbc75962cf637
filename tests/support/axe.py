"""axe-core, which finds what keeps people from using a page. npm installs it into `build`.

Example:
    axe.violations(page)  # [] if there are none
"""

import hashlib
import pathlib
import shutil
import subprocess
from typing import Any

import pytest
from playwright import sync_api

from tests.support import processes

_PACKAGE = "axe-core@4.14.1"
_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
_ROOT = processes.REPOSITORY / "build" / "axe"
_FILE = _ROOT / "node_modules" / "axe-core" / "axe.min.js"

needs_npm = pytest.mark.skipif(
    not (_FILE.exists() or shutil.which("npm")), reason="npm is not on PATH (Debian: npm)"
)


def violations(page: sync_api.Page) -> list[dict[str, Any]]:
    """Returns the rule, its help and the elements of every violation of any of axe's rules."""
    # Not as an element of the page, whose Content-Security-Policy would refuse it.
    page.evaluate(_script().read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert found["passes"], "no rule was applied"
    return [
        {
            "rule": one["id"],
            "help": one["help"],
            "elements": [node["html"][:200] for node in one["nodes"]],
        }
        for one in found["violations"]
    ]


def _script() -> pathlib.Path:
    if not _digest_is_right():
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save")
        done = subprocess.run(
            ["npm", "install", "--prefix", str(_ROOT), *options, _PACKAGE],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm cannot install {_PACKAGE}: {done.stderr.strip().splitlines()[-1]}")
        assert _digest_is_right(), f"{_FILE} is not that of {_PACKAGE}"
    return _FILE


def _digest_is_right() -> bool:
    return _FILE.exists() and hashlib.sha256(_FILE.read_bytes()).hexdigest() == _SHA256
