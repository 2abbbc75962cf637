"""Staging folders, and the rename that turns one into a version.

Example:
    with staging.staged("exports", model_name="albert_en_large", version=None) as folder:
        write_artifact(folder.directory)
        folder.sync()
        (path,) = staging.rename([folder])

TensorFlow Serving takes any folder with a numeric name for a version as soon as it exists. So an
artifact is written to `.tmp-<random>/artifact` beside the versions, flushed to disk, and renamed. A
rename onto a folder that is not empty fails, which prevents overwriting without a lock. An exporter
locks `.tmp-<random>/lock` while it lives; later exporters remove the folders whose lock is free.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence

from configs import errors

_STAGING_PREFIX = ".tmp-"
_LOCK = "lock"
_ARTIFACT = "artifact"
# Attempts to make the folders: each can fail only if another exporter removes them at that moment.
_ATTEMPTS = 100
# Bytes that are kept for removing a folder when there is no memory left.
_RESERVE = 2**21
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# A model's name is a folder and part of addresses.
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Staging:
    """An artifact in a staging folder.

    Attributes:
      model_dir: the folder of the versions.
      version: the requested version; None for the next free one.
      directory: the existing, empty folder to write into.
    """

    def __init__(self, model_dir: str, folder: str, version: int | None) -> None:
        self.model_dir = model_dir
        self.version = version
        self.directory = os.path.join(folder, _ARTIFACT)
        os.mkdir(self.directory)

    def sync(self) -> None:
        """Flushes the artifact to disk, files and folders."""
        for folder, _, files in os.walk(self.directory):
            for name in files:
                sync(os.path.join(folder, name))
            sync(folder)

    def check(self) -> None:
        """Checks that the artifact is still there.

        Raises:
          errors.DestinationError: another process removed it.
        """
        if not os.path.isdir(self.directory):
            raise errors.DestinationError(f"{self.model_dir!r} was removed during the export")

    def path(self, version: int) -> str:
        """Returns the path that a version will have."""
        return os.path.join(self.model_dir, str(version))


def rename(folders: Sequence[Staging]) -> list[str]:
    """Makes artifacts versions of one number, flushes that to disk and returns their paths.

    Args:
      folders: in the order in which they become visible. The number is that which was requested,
        else the next that is free for all.

    Raises:
      errors.VersionExistsError: the requested version exists.
      errors.DestinationError: another process removed an artifact.
    """
    for folder in folders:
        folder.check()
    requested = folders[0].version
    with contextlib.ExitStack() as stack:
        for model_dir in sorted({folder.model_dir for folder in folders}):
            stack.enter_context(_renaming(model_dir))
        version = requested or max(_next_version(folder.model_dir) for folder in folders)
        renamed: list[str] = []
        while len(renamed) < len(folders):
            folder = folders[len(renamed)]
            path = folder.path(version)
            try:
                os.rename(folder.directory, path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise
                if requested or renamed:  # or another exporter took no notice of the lock
                    raise errors.VersionExistsError(_exists(path)) from error
                version += 1
            else:
                sync(folder.model_dir)
                renamed.append(path)
        return renamed


@contextlib.contextmanager
def _renaming(model_dir: str) -> Iterator[None]:
    """Keeps other exporters from renaming in a folder, on file systems with locks for folders."""
    descriptor = os.open(model_dir, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def check(export_dir: str, *, model_name: str, version: int | None) -> None:
    """Checks, before any work is done, that a version could be written.

    Raises:
      errors.DestinationError: `export_dir` is remote or not writable, or `model_name` is invalid.
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
    """Yields a `Staging`; removes what is not published when the block ends.

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
        reserve = bytearray(_RESERVE)
        try:
            yield Staging(model_dir, folder, version)
        finally:
            del reserve
            with contextlib.suppress(OSError):  # the error that led here; the next one sweeps
                _remove(folder)
            os.close(lock)
    finally:
        for path in sorted(made, key=len, reverse=True):
            with contextlib.suppress(OSError):  # not empty: something was published
                os.rmdir(path)


def _make_folders(model_dir: str, made: set[str]) -> tuple[str, int]:
    """Makes the model's folder if it is missing, and a staging folder in it.

    Args:
      model_dir: the model's folder.
      made: gets the folders that were made above the staging folder.

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
            # Another exporter failed and removed the folders that it had made.
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
        os.mkdir(folder)  # mode by the umask; mkdtemp's 0700 would hide it from servers
        lock_path = os.path.join(folder, _LOCK)
        try:
            lock = os.open(lock_path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        except FileNotFoundError:  # removed by another exporter's `_sweep`
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(lock_path)):
                return folder, lock
        except (BlockingIOError, FileNotFoundError):  # the same
            pass
        os.close(lock)


def _sweep(model_dir: str) -> None:
    """Removes the staging folders of dead processes."""
    for name in os.listdir(model_dir):
        folder = os.path.join(model_dir, name)
        if not name.startswith(_STAGING_PREFIX) or not os.path.isdir(folder):
            continue
        try:
            lock = os.open(os.path.join(folder, _LOCK), os.O_RDWR)
        except FileNotFoundError:  # being made, or half removed: remove it if it is empty
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            continue
        except OSError:  # another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
        except OSError:  # locked by a living process, or another user's
            pass
        finally:
            os.close(lock)


def _remove(folder: str) -> None:
    """Removes a staging folder, its lock last so that `_sweep` can resume."""
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
    """Flushes a file or a folder to disk.

    Raises:
      OSError: it cannot be, with the path in the message.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        os.close(descriptor)
