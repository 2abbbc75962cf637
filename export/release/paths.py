"""Where the files of a release lie, and how they come there: complete, flushed to disk, or not.

Example:
    version_paths = paths.VersionPaths("dist", publisher="tensorflow", model=model)
    version_paths.tarball  # dist/tensorflow/albert_en_large/3.tar.gz
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator

from export.cli import runner
from export.publishing import staging
from export.release import model_list

# Below the output folder, and gone when the release ends. Hidden: it is not published.
_WORK = ".work"

TARBALL = ".tar.gz"
STATEMENT = ".intoto.json"
SIGNATURE = ".sig"


class VersionPaths:
    """The files of a version.

    Attributes:
      folder: the model's.
      name: the tarball's path below the output folder, with `/`.
      tarball: its path. It comes last: where it is, the version is complete.
      statement: path of its in-toto statement.
      signature: path of its OpenSSF model signature.
    """

    def __init__(self, output_dir: str, *, publisher: str, model: model_list.Model) -> None:
        self.folder = os.path.join(output_dir, publisher, model.name)
        self.name = f"{publisher}/{model.name}/{model.version}{TARBALL}"
        self.tarball, self.statement, self.signature = (
            os.path.join(self.folder, f"{model.version}{suffix}")
            for suffix in (TARBALL, STATEMENT, SIGNATURE)
        )


def publish_file(source: str, target: str) -> None:
    """Moves a file to where it is published, in one step, and flushes it and its folder."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    staging.sync(source)
    os.replace(source, target)
    staging.sync(os.path.dirname(target))


@contextlib.contextmanager
def locked(output_dir: str) -> Iterator[tuple[str, int]]:
    """Yields an empty folder to work in, and the descriptor of the lock on the output folder.

    One release at a time writes to a folder; another waits. The lock is held until all who
    inherited the descriptor are gone: what a killed release had started may write to its work
    folder for some seconds.
    """
    os.makedirs(output_dir, exist_ok=True)
    descriptor = os.open(output_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            runner.log(f"waiting for another release to leave {output_dir!r}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        work = os.path.join(output_dir, _WORK)
        shutil.rmtree(work, ignore_errors=True)
        os.mkdir(work)
        try:
            yield work, descriptor
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(descriptor)


def published(output_dir: str) -> list[str]:
    """Returns the paths of all published files below the output folder, sorted, with `/`."""
    found = []
    for folder, subfolders, files in os.walk(output_dir):
        if folder == output_dir and _WORK in subfolders:
            subfolders.remove(_WORK)
        relative = os.path.relpath(folder, output_dir)
        found += [os.path.normpath(os.path.join(relative, name)) for name in files]
    return sorted(path.replace(os.sep, "/") for path in found)
