"""Releases twice, from two clones in surroundings that differ in all they can; compares every byte.

    python scripts/reproduce.py
    python scripts/reproduce.py --configs tiny,base

Clone, folder, process, working directory, locale, time zone, umask, hash seed and environment
differ. What is committed is compared. docs/explanation/publishing.md says what the bytes depend on.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from absl import flags

from configs import errors
from export.cli import runner

_CONFIGS = flags.DEFINE_string("configs", "tiny,base,large", "Sizes to release.")

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SURROUNDINGS = (
    {"umask": 0o022, "LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "0", "HOME": "/"},
    {
        "umask": 0o077,
        "LC_ALL": "C.UTF-8",
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "4711",
        "USER": "somebody",
    },
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second = (
            _contents(_release(pathlib.Path(folder) / name, surroundings))
            for name, surroundings in zip(("one", "other/folder"), _SURROUNDINGS, strict=True)
        )
    names = sorted(first.keys() | second.keys())
    different = [name for name in names if first.get(name) != second.get(name)]
    print(f"{len(names)} files, {sum(map(len, first.values())):,} bytes")
    if different:
        raise errors.VerificationError(errors.listing("two releases differ", different))
    print("identical")


def _release(folder: pathlib.Path, surroundings: dict) -> pathlib.Path:
    """Releases from a new clone, and returns the folder of the release."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
    environment = {name: value for name, value in surroundings.items() if name != "umask"}
    subprocess.run(
        [
            *(sys.executable, "-m", "export.release", f"--configs={_CONFIGS.value}"),
            *("--publisher=tensorflow", "--output_dir=dist"),
        ],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(clone)},
        umask=surroundings["umask"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return folder / "dist"


def _contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    runner.run(main)
