"""Writes damaged copies of a folder.

Example:
    folders.write_damaged("copy", "original", patterns=("*.json",), generator=generator)
"""

import fnmatch
import os
import pathlib
import shutil
from collections.abc import Callable, Sequence

import numpy as np

from tests.fuzzing import byte_mutations, hdf5_mutations, mutations


def size(folder: pathlib.Path) -> int:
    """Returns how many bytes there are on disk (not those of holes)."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink())


def write_damaged(
    folder: pathlib.Path,
    original: pathlib.Path,
    *,
    patterns: Sequence[str],
    generator: np.random.Generator,
) -> bool:
    """Writes a copy, one file of which is damaged, or two; returns whether its checksums fit."""
    shutil.copytree(original, folder, copy_function=os.link)  # what is damaged is written anew
    contents = [
        path.relative_to(original).as_posix()
        for path in sorted(original.rglob("*"))
        if path.is_file()
    ]
    names = [n for n in contents if any(fnmatch.fnmatch(n, pattern) for pattern in patterns)]
    kind = generator.random()
    fits = False
    for _ in range(1 if kind < 0.9 else 2):
        path = folder / str(generator.choice(names))
        if generator.random() < 0.03:
            _PLACES[int(generator.integers(len(_PLACES)))](
                path, original / str(generator.choice(contents))
            )
        elif path.is_file() and not path.is_symlink():
            fits |= _damage(path, generator)
    return fits


def _damage(path: pathlib.Path, generator: np.random.Generator) -> bool:
    if path.suffix == ".h5" and generator.random() < 0.5 and hdf5_mutations.damage(path, generator):
        return True
    content = path.read_bytes()
    damaged, fits = mutations.damage(content, path.name, generator)
    if damaged == content:
        damaged = byte_mutations.damage(content, generator)
    path.unlink(missing_ok=True)  # what is mapped into memory keeps its bytes
    path.write_bytes(damaged)
    return fits


def _remove(path: pathlib.Path, *_: object) -> None:
    path.unlink(missing_ok=True)


def _empty(path: pathlib.Path, *_: object) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(b"")


def _link_to(target: str) -> Callable[..., None]:
    def link(path: pathlib.Path, *_: object) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return link


def _folder(path: pathlib.Path, *_: object) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _pipe(path: pathlib.Path, *_: object) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _other(path: pathlib.Path, other: pathlib.Path) -> None:
    """Puts another file of the folder in its place."""
    path.unlink(missing_ok=True)
    path.write_bytes(other.read_bytes())


_PLACES: Sequence[Callable[..., None]] = (
    _remove,
    _empty,
    _link_to("/etc/hostname"),
    _link_to("nowhere"),
    _link_to("."),
    _link_to("/dev/zero"),
    _folder,
    _pipe,
    _other,
)
