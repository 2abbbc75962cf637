"""A release: every model of a list, built or left as it is, and what is made of them all.

Example:
    done = run.run(
        listed, publisher="tensorflow", output_dir="dist", jobs=2, key=None, source_uri=None,
        base_url="https://example.org",
    )

A version that is complete is not built again. One whose model or inputs are others now is an error:
versions are never overwritten. A model that fails does not stop the others.
"""

import concurrent.futures
import os
from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors
from export.cli import progress
from export.metadata import checksums, manifest
from export.release import (
    build,
    build_inputs,
    command_runner,
    model_list,
    paths,
    provenance,
    results,
    sha256sums,
    signing,
    toolchain,
)


def run(
    listed: Sequence[model_list.Model],
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
      jobs: how many models are built at a time.
      key: signs the tarballs and the digests; None for no signatures.
      source_uri: public address of this project's repository.
      base_url: public address of the folder: handles in the pages begin with it.

    Returns:
      What became of each, in the order of the list.

    Raises:
      errors.ReleaseError: the libraries that pages are made with are not installed, or
        `base_url` is no address.
      errors.VerificationError: a version that is not in the list was changed.
    """
    try:
        from export.release.site import website
    except ImportError as error:
        raise errors.ReleaseError(f"{error}: pip install 'albert-hub-export[release]'") from error
    website.check(base_url)
    made_with = toolchain.find(source_uri=source_uri)
    with paths.locked(output_dir) as (work, lock):
        former = sha256sums.read(output_dir)
        with (
            progress.Progress("releasing", total=len(listed)) as report,
            concurrent.futures.ThreadPoolExecutor(jobs) as pool,
            command_runner.CommandRunner(lock=lock, log=report.log) as commands,
        ):
            if made_with.modified or not made_with.commit:
                state = "modified since its last commit" if made_with.commit else "in no commit"
                report.log(f"this project is {state}; the statements say so")
            builder = build.Builder(
                commands=commands, work=work, made_with=made_with, key=key, log=report.log
            )
            release = _Release(output_dir, publisher, former, builder, report)
            # Embedders are made of the others' tarballs.
            for is_embedder in (False, True):
                chosen = [
                    model for model in listed if (model.kind == manifest.EMBEDDER) is is_embedder
                ]
                release.done |= {
                    str(result.model): result for result in pool.map(release.one, chosen)
                }
        done = [release.done[str(model)] for model in listed]
        results.print_table(done)
        # Of all the versions that there are, whoever built them.
        sha256sums.check(output_dir, former=former)
        website.write(output_dir, publisher=publisher, base_url=base_url)
        sha256sums.write(output_dir, work=work)
        if key is not None:
            path = os.path.join(output_dir, sha256sums.FILE)
            signing.ensure(key, path, path + paths.SIGNATURE, work=work)
    return done


class _Release:
    """What the models of a release share.

    Attributes:
      done: what became of the models so far, by `str(model)`.
    """

    def __init__(
        self,
        output_dir: str,
        publisher: str,
        former: Mapping[str, str],
        builder: build.Builder,
        report: progress.Progress,
    ) -> None:
        self._output_dir = output_dir
        self._publisher = publisher
        self._former = former
        self._builder = builder
        self._report = report
        self.done: dict[str, results.Result] = {}

    def one(self, model: model_list.Model) -> results.Result:
        """Releases one model."""
        version_paths = paths.VersionPaths(self._output_dir, publisher=self._publisher, model=model)
        try:
            state = self._ensure(model, version_paths)
            digest = checksums.sha256(version_paths.tarball)
            result = results.Result(
                model=model, version_paths=version_paths, state=state, digest=digest
            )
            self._report.log(f"{model}: {state}, sha256 {digest}")
        except (errors.InputError, OSError) as error:
            result = results.Result(
                model=model, version_paths=version_paths, state=results.FAILED, problem=str(error)
            )
            self._report.log(f"{model}: {results.FAILED}: {error}")
        self._report.advance()
        return result

    def _ensure(self, model: model_list.Model, version_paths: paths.VersionPaths) -> str:
        """Makes sure that a version is complete, and returns whether it was built or kept."""
        parts = self._parts(model)
        made_from = build_inputs.collect(
            model, parts={name: str(part.digest) for name, part in parts.items()}
        )
        if os.path.lexists(version_paths.tarball):
            self._check(version_paths, provenance.parameters(model, made_from))
            self._builder.sign(version_paths)
            return results.KEPT
        tarballs = {
            part: parts[name].version_paths.tarball
            for part, name in model.sources.items()
            if name in parts
        }
        self._builder.build(
            model,
            inputs=made_from,
            version_paths=version_paths,
            parts=tarballs,
            expected=self._former.get(version_paths.name),
        )
        return results.RELEASED

    def _parts(self, model: model_list.Model) -> dict[str, results.Result]:
        """Returns the results of the models that an embedder is made of, by `str(model)`."""
        if model.kind != manifest.EMBEDDER:
            return {}
        parts = {name: self.done[name] for name in model.sources.values()}
        failed = [name for name, part in parts.items() if part.state == results.FAILED]
        if failed:
            raise errors.ReleaseError(f"it is made of what failed: {', '.join(failed)}")
        return parts

    def _check(self, version_paths: paths.VersionPaths, parameters: Mapping[str, Any]) -> None:
        """Checks that a version is what was released, from the same inputs.

        Raises:
          errors.VerificationError: the tarball or its statement was changed.
          errors.VersionExistsError: it was released from others.
        """
        digest = checksums.sha256(version_paths.tarball)
        stated, made_from = provenance.load(version_paths.statement)
        if digest != stated or self._former.get(version_paths.name, digest) != digest:
            raise errors.VerificationError(
                f"{version_paths.tarball!r} is not what was released: its sha256 is {digest}, "
                f"and its statement says {stated}"
            )
        differences = [
            f"{name} was {made_from.get(name)!r} and is {parameters.get(name)!r}"
            for name in sorted(parameters.keys() | made_from.keys())
            if parameters.get(name) != made_from.get(name)
        ]
        if differences:
            title = "it was released from other inputs; give it a new version"
            raise errors.VersionExistsError(errors.listing(title, differences))
