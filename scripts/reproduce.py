"""Exports everything twice, in surroundings that differ in all they can, and compares every byte.

    python scripts/reproduce.py

Folder, process, working directory, locale, time zone, umask, hash seed and environment differ. What
the bytes do depend on stands in BUILD_NOTES.md.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from configs import errors
from export import command

EXPORTS = (
    ("export.encoder", "--config=base"),
    ("export.encoder", "--config=large"),
    ("export.preprocessor",),
)
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
    different = []
    for export in EXPORTS:
        with tempfile.TemporaryDirectory() as folder:
            first, second = (
                _contents(_export(export, pathlib.Path(folder) / name, surroundings))
                for name, surroundings in zip(("one", "other/folder"), _SURROUNDINGS, strict=True)
            )
        names = sorted(first.keys() | second.keys())
        found = [name for name in names if first.get(name) != second.get(name)]
        size = sum(map(len, first.values()))
        result = f"different: {', '.join(found)}" if found else "identical"
        print(f"{' '.join(export)}: {len(names)} files, {size:,} bytes: {result}", flush=True)
        different += found
    if different:
        raise errors.VerificationError("two exports differ")


def _export(export: tuple[str, ...], folder: pathlib.Path, surroundings: dict) -> pathlib.Path:
    folder.mkdir(parents=True)
    environment = {name: value for name, value in surroundings.items() if name != "umask"}
    done = subprocess.run(
        [sys.executable, "-m", *export, "--export_dir=exports"],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(_ROOT)},
        umask=surroundings["umask"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return folder / done.stdout.strip()


def _contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    command.run(main)
