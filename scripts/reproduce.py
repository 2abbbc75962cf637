"""Releases from two clones in different environments, and compares every byte.

    python scripts/reproduce.py
    python scripts/reproduce.py --configs tiny,base

Folder, process, working directory, locale, time zone, umask, hash seed and environment differ. The
clones are of the last commit. docs/explanation/publishing.md says what the bytes depend on.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from absl import flags

from configs import errors
from export.cli import runner

_CONFIGS = flags.DEFINE_string("configs", "tiny,base,large", "Sizes to release.")

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_CLONE = "clone"
# Umask and environment variables, by folder.
_ENVIRONMENTS: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "one": (0o022, {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "0", "HOME": "/"}),
    "other/folder": (
        0o077,
        {"LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4711", "USER": "tester"},
    ),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in _ENVIRONMENTS:  # both before the first release: a commit may come meanwhile
            clone = pathlib.Path(folder, name, _CLONE)
            subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
        first, second = (
            _contents(_release(pathlib.Path(folder, name), umask, environment))
            for name, (umask, environment) in _ENVIRONMENTS.items()
        )
    names = sorted(first.keys() | second.keys())
    different = [name for name in names if first.get(name) != second.get(name)]
    print(f"{len(names)} files, {sum(map(len, first.values())):,} bytes")
    if different:
        raise errors.VerificationError(errors.listing("two releases differ", different))
    print("identical")


def _release(folder: pathlib.Path, umask: int, environment: Mapping[str, str]) -> pathlib.Path:
    """Releases from the clone in a folder, and returns the folder of the release."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "export.release", f"--configs={_CONFIGS.value}"),
            *("--publisher=tensorflow", "--output_dir=dist"),
        ],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(folder / _CLONE)},
        umask=umask,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode:  # its own error is above
        raise errors.InputError(f"the release in {folder.name!r} fails")
    return folder / "dist"


def _contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    runner.run(main)
