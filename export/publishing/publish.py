"""Publishes a version: complete and checked, or not at all.

Example:
    with publish.staged("exports", model_name="albert_en_large", version=None) as publication:
        write_artifact(publication.directory)
        path = publication.publish()

The artifact is written to a staging folder (`staging.py`), finalized with its checksums
(`export/metadata/finalize.py`), loaded and checked by another process (`load_check_process.py`),
flushed to disk, and only then renamed to its version.
"""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence

from configs import errors, tensorflow_paths
from export.publishing import load_check_process, staging


class Publication:
    """An artifact to be published.

    Attributes:
      folder: the staging folder.
      directory: the existing, empty folder in it to write into.
    """

    def __init__(
        self,
        folder: staging.Staging,
        load_check: load_check_process.LoadCheckProcess,
        *,
        serving_warmup: bool,
    ) -> None:
        self.folder = folder
        self._load_check = load_check
        self._serving_warmup = serving_warmup
        self.directory = folder.directory

    def publish(self) -> str:
        """Finalizes, checks and publishes the artifact; returns the path of the version.

        Raises:
          errors.VersionExistsError: the requested version exists.
          errors.VerificationError: the artifact cannot be loaded or used.
          errors.DestinationError: the staging folder is gone.
        """
        return publish_together([self])[0]

    def start_check(self) -> None:
        """Finalizes the artifact, starts checking it, and flushes it to disk meanwhile."""
        from export.metadata import finalize  # imports TensorFlow

        finalize.finalize(self.directory, serving_warmup=self._serving_warmup)
        self._load_check.start(self.directory)
        self.folder.sync()

    def finish_check(self) -> None:
        """Waits for the check.

        Raises:
          errors.VerificationError: the artifact cannot be loaded or used.
        """
        self._load_check.wait()


def publish_together(publications: Sequence[Publication]) -> list[str]:
    """Finalizes and checks artifacts, then publishes them in their order as one version.

    A process that is killed between two of them leaves complete versions of the first ones; the
    next export takes the next number for all.

    Raises:
      errors.InputError: see `Publication.publish`; then nothing is published.
    """
    for publication in publications:
        publication.start_check()
    for publication in publications:
        publication.finish_check()
    return staging.rename([publication.folder for publication in publications])


def check(
    export_dir: str, *, model_name: str, version: int | None, flag: str = "--export_dir"
) -> None:
    """Checks, before any work is done, that a version could be written, and then be loaded.

    Args:
      export_dir: local folder of the models.
      model_name: folder below it.
      version: the version to write; None for the next free one.
      flag: that named `export_dir`, for messages.

    Raises:
      errors.DestinationError: TensorFlow would not find the version; see `staging.check`.
      errors.VersionExistsError: the version exists.
    """
    staging.check(export_dir, model_name=model_name, version=version)
    tensorflow_paths.check_destination(export_dir, what=flag)


@contextlib.contextmanager
def staged_together(
    export_dir: str,
    *,
    model_names: Sequence[str],
    version: int | None,
    serving_warmup: bool = False,
) -> Iterator[list[Publication]]:
    """Yields a `Publication` for each name; as `staged`."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                staged(
                    export_dir,
                    model_name=model_name,
                    version=version,
                    serving_warmup=serving_warmup,
                )
            )
            for model_name in model_names
        ]


@contextlib.contextmanager
def staged(
    export_dir: str, *, model_name: str, version: int | None, serving_warmup: bool = False
) -> Iterator[Publication]:
    """Yields a `Publication`; removes what is not published when the block ends.

    Args:
      export_dir: local folder of the models; made if missing.
      model_name: folder below it.
      version: the version to write; None for the next free one.
      serving_warmup: whether to write requests that TensorFlow Serving warms up with.

    Raises:
      errors.DestinationError: the folder cannot be written to; see `check`.
      errors.VersionExistsError: the version exists.
      errors.InputError: `serving_warmup` needs a package that is not installed.
    """
    if serving_warmup and importlib.util.find_spec("tensorflow_serving") is None:
        install = "pip install 'tensorflow-serving-api==2.21.*'"
        raise errors.InputError(f"--serving_warmup needs tensorflow-serving-api: {install}")
    check(export_dir, model_name=model_name, version=version)
    with (
        staging.staged(export_dir, model_name=model_name, version=version) as folder,
        load_check_process.LoadCheckProcess() as load_check,
    ):
        yield Publication(folder, load_check, serving_warmup=serving_warmup)
