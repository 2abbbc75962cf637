"""Releases every model of a list, and writes the pages and checksums of all.

Example:
    done = run.run(
        listed, publisher="tensorflow", output_dir="dist", jobs=2, key=None, source_uri=None,
        base_url="https://example.org",
    )

Complete versions are kept. A changed model or changed inputs of a complete version are an error,
because versions are never overwritten. A model that fails does not stop the others.
"""

import concurrent.futures
import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors
from export.cli import progress
from export.metadata import checksums
from export.release import (
    build,
    build_inputs,
    command_runner,
    model_list,
    paths,
    planned_conversions,
    provenance,
    results,
    sha256sums,
    signing,
    toolchain,
)

_INSTALL = "pip install 'Jinja2>=3.1' 'markdown-it-py>=3' 'cyclonedx-python-lib>=9'"


def run(
    listed: Sequence[model_list.ModelSpec],
    *,
    publisher: str,
    output_dir: str,
    jobs: int,
    key: signing.Key | None,
    source_uri: str | None,
    base_url: str,
) -> list[results.Result]:
    """Releases models.

    Args:
      listed: the models.
      publisher: name of the folder above the models.
      output_dir: folder of the release; made if missing.
      jobs: number of models to build in parallel.
      key: signs the tarballs and the checksums; None for no signatures.
      source_uri: public address of this project's repository.
      base_url: public address of the folder, the beginning of the handles in the pages.

    Returns:
      The results, in the order of the list.

    Raises:
      errors.ReleaseError: libraries for pages and materials, or packages of a format, are not
        installed, a model cannot be converted, or `base_url` is invalid.
      errors.VerificationError: a version that is not in the list was changed.
    """
    website = _website()
    website.check(base_url)
    planned_conversions.check(listed)
    made_with = toolchain.find(source_uri=source_uri)
    with paths.locked(output_dir) as (work, lock):
        former = sha256sums.read(output_dir)
        with (
            progress.Progress("releasing", total=len(listed)) as bar,
            concurrent.futures.ThreadPoolExecutor(jobs) as pool,
            command_runner.CommandRunner(lock=lock, log=bar.log) as commands,
        ):
            _note_changes(made_with, bar)
            builder = build.Builder(
                commands=commands, work=work, made_with=made_with, key=key, log=bar.log
            )
            release = _Release(output_dir, publisher, former, builder, bar)
            for models in model_list.in_order(listed):
                futures = [pool.submit(release.one, model) for model in models]
                try:
                    for future in futures:
                        result = _wait(future)
                        release.done[str(result.model)] = result
                finally:
                    for future in futures:
                        future.cancel()
        results.print_table([release.done[str(model)] for model in listed])
        # All versions in the folder, also those of other lists.
        sha256sums.check(output_dir, former=former)
        website.write(output_dir, publisher=publisher, base_url=base_url)
        sha256sums.write(output_dir, work=work)
        if key is not None:
            path = os.path.join(output_dir, sha256sums.FILE)
            signing.ensure(key, path, path + paths.SIGNATURE, work=work)
    return [release.done[str(model)] for model in listed]


def _website() -> Any:
    """Returns the module that writes pages.

    Raises:
      errors.ReleaseError: a library that it or `bill_of_materials` needs is not installed.
    """
    try:
        import cyclonedx.output  # noqa: F401, as early as that of pages

        from export.release.site import website
    except ImportError as error:
        raise errors.ReleaseError(f"{error}: {_INSTALL}") from error
    return website


def _note_changes(made_with: toolchain.Toolchain, bar: progress.Progress) -> None:
    """Tells the user if what runs is not what a commit has."""
    if made_with.modified or not made_with.commit:
        state = "modified since its last commit" if made_with.commit else "in no commit"
        bar.log(f"this project is {state}; the statements say so")


def _wait(future: concurrent.futures.Future[results.Result]) -> results.Result:
    """Returns a future's result. A signal that comes just before a wait is handled after it."""
    while not future.done():
        concurrent.futures.wait([future], timeout=0.5)
    return future.result()


@dataclasses.dataclass(frozen=True)
class _Release:
    """The state that the models of a release share.

    Attributes:
      output_dir: folder of the release.
      publisher: name of the folder above the models.
      former: digests of the last release, by path.
      builder: builds the versions.
      bar: reports the progress.
      done: the results so far, by `str(model)`.
    """

    output_dir: str
    publisher: str
    former: Mapping[str, str]
    builder: build.Builder
    bar: progress.Progress
    done: dict[str, results.Result] = dataclasses.field(default_factory=dict)

    def one(self, model: model_list.ModelSpec) -> results.Result:
        """Releases one model."""
        version_paths = paths.VersionPaths(self.output_dir, publisher=self.publisher, model=model)
        result = functools.partial(results.Result, model=model, version_paths=version_paths)
        try:
            state = self._ensure(model, version_paths)
            digest = checksums.sha256(version_paths.tarball)
            self.bar.log(f"{model}: {state}, sha256 {digest}")
            return result(state=state, digest=digest)
        except (errors.InputError, OSError) as error:
            self.bar.log(f"{model}: {results.FAILED}: {error}")
            return result(state=results.FAILED, problem=str(error))
        finally:
            self.bar.advance()

    def _ensure(self, model: model_list.ModelSpec, version_paths: paths.VersionPaths) -> str:
        """Makes a version complete, and returns `RELEASED` or, if it was complete, `KEPT`."""
        components = self._components(model)
        inputs = build_inputs.collect(
            model, components={name: str(done.digest) for name, done in components.items()}
        )
        if os.path.lexists(version_paths.tarball):
            self._check(version_paths, provenance.parameters(model, inputs))
            self.builder.sign(version_paths)
            return results.KEPT
        self.builder.build(
            model,
            inputs=inputs,
            version_paths=version_paths,
            components={
                done.model.kind: done.version_paths.tarball for done in components.values()
            },
            expected=self.former.get(version_paths.name),
        )
        return results.RELEASED

    def _components(self, model: model_list.ModelSpec) -> dict[str, results.Result]:
        """Returns the results of the models that it is made of, by `str(model)`."""
        if model.kind not in model_list.COMPOSED:
            return {}
        components = {name: self.done[name] for name in model.sources.values()}
        failed = [name for name, done in components.items() if done.state == results.FAILED]
        if failed:
            raise errors.ReleaseError(f"it is made of models that failed: {', '.join(failed)}")
        return components

    def _check(self, version_paths: paths.VersionPaths, parameters: Mapping[str, Any]) -> None:
        """Checks that a released version is unchanged and has the same inputs.

        Raises:
          errors.VerificationError: the tarball or its statement was changed.
          errors.VersionExistsError: the version was released from other inputs.
        """
        digest = checksums.sha256(version_paths.tarball)
        stated, former = provenance.load(version_paths.statement)
        if digest != stated or self.former.get(version_paths.name, digest) != digest:
            raise errors.VerificationError(
                f"{version_paths.tarball!r} is not what was released: its sha256 is {digest}, "
                f"and its statement says {stated}"
            )
        differences = [
            f"{name} was {former.get(name)!r} and is {parameters.get(name)!r}"
            for name in sorted(parameters.keys() | former.keys())
            if parameters.get(name) != former.get(name)
        ]
        if differences:
            title = "it was released from other inputs; give it a new version"
            raise errors.VersionExistsError(errors.listing(title, differences))
