"""What a release is made with: the commit of this project, and every package that is installed.

Example:
    toolchain.find(source_uri=None).commit
"""

import dataclasses
import os
import subprocess
from importlib import metadata

from packaging import utils

# What the bytes of an artifact are made by.
_PACKAGES = ("configs", "preprocess", "export")
# Of this project: the commit says more.
_OWN_NAME = "albert-hub-export"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What a release is made with.

    Attributes:
      source_uri: public address of this project's repository; None if it is not told.
      commit: of the checkout that runs; None if none runs, or git cannot say.
      modified: whether the checkout's packages differ from the commit.
      packages: name and version of every installed distribution but this one, sorted.
    """

    source_uri: str | None
    commit: str | None
    modified: bool
    packages: tuple[tuple[str, str], ...]


def find(*, source_uri: str | None) -> Toolchain:
    """Returns what this process runs."""
    commit = None
    modified = False
    # A copy that is installed below some other repository is not tracked by it.
    if _git("ls-files", "--error-unmatch", os.path.relpath(__file__, _root())) is not None:
        commit = _git("rev-parse", "HEAD")
        modified = bool(_git("status", "--porcelain", "--", *_PACKAGES))
    # The first of a name is the one that is imported.
    packages: dict[str, str] = {}
    for distribution in metadata.distributions():
        packages.setdefault(
            utils.canonicalize_name(distribution.metadata["Name"]), distribution.version
        )
    packages.pop(_OWN_NAME, None)
    return Toolchain(
        source_uri=source_uri,
        commit=commit,
        modified=modified,
        packages=tuple(sorted(packages.items())),
    )


def _root() -> str:
    path = os.path.abspath(__file__)
    for _ in range(3):
        path = os.path.dirname(path)
    return path


def _git(*arguments: str) -> str | None:
    """Returns what git prints about the checkout; None if it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", _root(), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
