"""The paths of a release's files, and publishing a file: complete and flushed to disk, or not.

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

# In the output folder while the release runs. Hidden, so that servers do not publish it.
_WORK = ".work"

TARBALL = ".tar.gz"
STATEMENT = ".intoto.json"
BILL_OF_MATERIALS = ".cdx.json"
SIGNATURE = ".sig"
VERIFICATION = ".verify.json"


class VersionPaths:
    """The files of a version.

    Attributes:
      folder: the model's folder.
      name: the tarball's path below the output folder, with `/`.
      tarball: path of the tarball. It is published last, so it marks a complete version.
      statement: path of its in-toto statement.
      bill_of_materials: path of its CycloneDX bill of materials.
      signature: path of its OpenSSF model signature.
      verification: path of what `export.verify` found; conversions have it in their manifest.
    """

    def __init__(self, output_dir: str, *, publisher: str, model: model_list.ModelSpec) -> None:
        self.folder = os.path.join(output_dir, publisher, model.name)
        self.name = f"{publisher}/{model.name}/{model.version}{TARBALL}"
        path = os.path.join(self.folder, str(model.version))
        self.tarball, self.statement = path + TARBALL, path + STATEMENT
        self.bill_of_materials, self.signature = path + BILL_OF_MATERIALS, path + SIGNATURE
        self.verification = path + VERIFICATION


def publish_file(source: str, target: str) -> None:
    """Publishes a file by a rename, and flushes it and its folder to disk."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    staging.sync(source)
    os.replace(source, target)
    staging.sync(os.path.dirname(target))


@contextlib.contextmanager
def locked(output_dir: str) -> Iterator[tuple[str, int]]:
    """Yields an empty work folder, and the descriptor of the lock on the output folder.

    Another release into the folder waits for the lock. The lock is held until the last process that
    inherited the descriptor ends: processes of a killed release may go on writing for seconds.
    """
    os.makedirs(output_dir, exist_ok=True)
    descriptor = os.open(output_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            runner.log(f"waiting for another release into {output_dir!r} to end")
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
    """Returns the sorted `/`-separated paths of all published files in the output folder."""
    found = []
    for folder, subfolders, files in os.walk(output_dir):
        if folder == output_dir and _WORK in subfolders:
            subfolders.remove(_WORK)
        relative = os.path.relpath(folder, output_dir)
        found += [os.path.normpath(os.path.join(relative, name)) for name in files]
    return sorted(path.replace(os.sep, "/") for path in found)
