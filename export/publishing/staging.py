"""Folders to write a version into, and the rename that makes a version of one.

Example:
    with staging.staged("exports", model_name="albert_en_large", version=None) as folder:
        write_artifact(folder.directory)
        folder.sync()
        path = folder.rename()

Whatever polls the folder of a model (TensorFlow Serving does) takes any numeric name for a version
the moment it exists. So an artifact is written to `.tmp-<random>/artifact` beside the versions,
flushed to disk, and renamed. A rename onto a folder that is not empty fails: that is the guard
against overwriting, and no lock is needed for it. `.tmp-<random>/lock` is locked as long as its
process lives; whoever comes later removes the staging folders whose lock it gets.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator

from configs import errors

_STAGING_PREFIX = ".tmp-"
_LOCK = "lock"
_ARTIFACT = "artifact"
# Of making folders that others remove: each attempt takes another's failure at that very moment.
_ATTEMPTS = 100
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# Of a model, as a folder and in addresses.
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Staging:
    """A folder to write an artifact into, and the way to make a version of it.

    Attributes:
      directory: the existing, empty folder to write into.
    """

    def __init__(self, model_dir: str, folder: str, version: int | None) -> None:
        self._model_dir = model_dir
        self._version = version
        self.directory = os.path.join(folder, _ARTIFACT)
        os.mkdir(self.directory)

    def sync(self) -> None:
        """Flushes the artifact to disk, files and folders."""
        for folder, _, files in os.walk(self.directory):
            for name in files:
                sync(os.path.join(folder, name))
            sync(folder)

    def rename(self) -> str:
        """Makes the artifact a version, flushes that to disk and returns the version's path.

        Raises:
          errors.VersionExistsError: the version asked for exists.
          errors.DestinationError: the artifact is gone: somebody removed the folder.
        """
        if not os.path.isdir(self.directory):
            raise errors.DestinationError(
                f"{self._model_dir!r} was removed while it was written to"
            )
        version = self._version or _next_version(self._model_dir)
        while True:
            path = os.path.join(self._model_dir, str(version))
            try:
                os.rename(self.directory, path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise
                if self._version:
                    raise errors.VersionExistsError(_exists(path)) from error
                version += 1
            else:
                sync(self._model_dir)
                return path


def check(export_dir: str, *, model_name: str, version: int | None) -> None:
    """Checks, before any work is done, that a version could be written.

    Raises:
      errors.DestinationError: `export_dir` is remote or not writable, or `model_name` is no name.
      errors.VersionExistsError: the version exists.
    """
    if _REMOTE.match(export_dir):
        raise errors.DestinationError(
            f"export_dir {export_dir!r} is remote; export to a local folder and copy the version"
        )
    if not MODEL_NAME.fullmatch(model_name):
        raise errors.DestinationError(
            f"model_name must be letters, digits, '_', '-' and '.', got {model_name!r}"
        )
    model_dir = os.path.join(export_dir, model_name)
    if version is not None:
        path = os.path.join(model_dir, str(version))
        if os.path.lexists(path):
            raise errors.VersionExistsError(_exists(path))
    existing = os.path.abspath(model_dir)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise errors.DestinationError(f"export_dir {export_dir!r}: {existing!r} is not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise errors.DestinationError(f"export_dir {export_dir!r}: {existing!r} is not writable")


@contextlib.contextmanager
def staged(export_dir: str, *, model_name: str, version: int | None) -> Iterator[Staging]:
    """Yields a `Staging`; whatever was not published is removed when the block ends.

    Args:
      export_dir: local folder of the models; made if missing.
      model_name: folder below it.
      version: the version to write; None for the next free one.

    Raises:
      errors.DestinationError: see `check`; or the folders cannot be made.
    """
    check(export_dir, model_name=model_name, version=version)
    model_dir = os.path.join(export_dir, model_name)
    made: set[str] = set()
    try:
        folder, lock = _make_folders(model_dir, made)
        try:
            yield Staging(model_dir, folder, version)
        finally:
            _remove(folder)
            os.close(lock)
    finally:
        for path in sorted(made, key=len, reverse=True):
            with contextlib.suppress(OSError):  # not empty: something was published
                os.rmdir(path)


def _make_folders(model_dir: str, made: set[str]) -> tuple[str, int]:
    """Makes the model's folder, as far as it is missing, and a staging folder in it.

    Args:
      model_dir: the model's folder.
      made: the folders above the staging folder that were made are added to it.

    Returns:
      The staging folder, and the descriptor that holds its lock.
    """
    for attempt in range(_ATTEMPTS):
        missing = os.path.abspath(model_dir)
        while not os.path.isdir(missing):
            made.add(missing)
            missing = os.path.dirname(missing)
        try:
            os.makedirs(model_dir, exist_ok=True)
            for path in made:
                sync(os.path.dirname(path))
            _sweep(model_dir)
            return _make_staging_folder(model_dir)
        except OSError as error:
            # An exporter that failed removed the folders it had made: make them again.
            if isinstance(error, FileNotFoundError) and attempt + 1 < _ATTEMPTS:
                continue
            raise errors.DestinationError(
                f"{model_dir!r} cannot be made or written to: {error.strerror}"
            ) from error
    raise AssertionError("the last attempt returns or raises")


def _make_staging_folder(model_dir: str) -> tuple[str, int]:
    """Returns a new staging folder and the descriptor that holds its lock."""
    while True:
        folder = os.path.join(model_dir, _STAGING_PREFIX + secrets.token_hex(8))
        os.mkdir(folder)  # the mode is the umask's; mkdtemp's 0700 would hide it from a server
        lock_path = os.path.join(folder, _LOCK)
        try:
            lock = os.open(lock_path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        except FileNotFoundError:  # swept while it was empty
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(lock_path)):
                return folder, lock
        except (BlockingIOError, FileNotFoundError):  # a sweeper was faster
            pass
        os.close(lock)


def _sweep(model_dir: str) -> None:
    """Removes the staging folders of processes that are gone."""
    for name in os.listdir(model_dir):
        folder = os.path.join(model_dir, name)
        if not name.startswith(_STAGING_PREFIX) or not os.path.isdir(folder):
            continue
        try:
            lock = os.open(os.path.join(folder, _LOCK), os.O_RDWR)
        except FileNotFoundError:  # being made, or nearly removed: go if it is empty
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            continue
        except OSError:  # somebody else's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
        except OSError:  # alive, or somebody else's
            pass
        finally:
            os.close(lock)


def _remove(folder: str) -> None:
    """Removes a staging folder, the lock last: a half-removed one can be swept again."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if name != _LOCK:
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        os.unlink(os.path.join(folder, _LOCK))
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(folder)


def _next_version(model_dir: str) -> int:
    versions = [int(name) for name in os.listdir(model_dir) if name.isascii() and name.isdigit()]
    return max(versions, default=0) + 1


def _exists(path: str) -> str:
    return f"version {path!r} exists; versions are never overwritten"


def sync(path: str) -> None:
    """Flushes a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
