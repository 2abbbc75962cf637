"""The toolchain of a release: the commit of this project and all installed packages.

Example:
    toolchain.find(source_uri=None).commit
"""

import dataclasses
import pathlib
import subprocess
from importlib import metadata

from packaging import utils

# The packages of this project that determine an artifact's bytes.
_PACKAGES = ("configs", "preprocess", "export")
# This project's distribution is left out, because the commit identifies it.
_OWN_NAME = "albert-hub-export"
_ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The commit and the packages that a release is built with.

    Attributes:
      source_uri: public address of this project's repository; None if unknown.
      commit: commit of the running checkout; None if it is not a checkout, or git fails.
      modified: whether the checkout's packages differ from the commit.
      packages: name and version of every installed distribution but this one, sorted.
    """

    source_uri: str | None
    commit: str | None
    modified: bool
    packages: tuple[tuple[str, str], ...]


def find(*, source_uri: str | None) -> Toolchain:
    """Returns the toolchain of this process."""
    commit = None
    modified = False
    # An installed copy can be inside another repository, which does not track it.
    if _git("ls-files", "--error-unmatch", str(pathlib.Path(__file__).resolve())) is not None:
        commit = _git("rev-parse", "HEAD")
        modified = bool(_git("status", "--porcelain", "--", *_PACKAGES))
    # Python imports the first distribution of a name.
    packages: dict[str, str] = {}
    for distribution in metadata.distributions():
        content = distribution.metadata  # a file that is parsed each time
        packages.setdefault(utils.canonicalize_name(content["Name"]), content["Version"])
    packages.pop(_OWN_NAME, None)
    return Toolchain(
        source_uri=source_uri,
        commit=commit,
        modified=modified,
        packages=tuple(sorted(packages.items())),
    )


def _git(*arguments: str) -> str | None:
    """Returns what git prints about the checkout; None if it fails or is not installed."""
    try:
        command = ["git", "-C", str(_ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
