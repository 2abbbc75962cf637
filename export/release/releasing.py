"""A release: every model of a list, built or left as it is, and what is made of them all.

    done = releasing.run(
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
from export import checksums, manifest
from export.release import (
    building,
    children,
    inputs,
    models,
    outcomes,
    places,
    reporting,
    signature,
    statement,
    sums,
    toolchain,
)


def run(
    listed: Sequence[models.Model],
    *,
    publisher: str,
    output_dir: str,
    jobs: int,
    key: signature.Key | None,
    source_uri: str | None,
    base_url: str,
) -> list[outcomes.Outcome]:
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
        from export.release import website
    except ImportError as error:
        raise errors.ReleaseError(f"{error}: pip install 'albert-hub-export[release]'") from error
    website.check(base_url)
    made_with = toolchain.find(source_uri=source_uri)
    with places.locked(output_dir) as (work, lock):
        former = sums.read(output_dir)
        with (
            reporting.Report(total=len(listed)) as report,
            concurrent.futures.ThreadPoolExecutor(jobs) as pool,
            children.Children(lock=lock, say=report.say) as running,
        ):
            if made_with.modified or not made_with.commit:
                state = "modified since its last commit" if made_with.commit else "in no commit"
                report.say(f"this project is {state}; the statements say so")
            builder = building.Builder(
                running=running, work=work, made_with=made_with, key=key, say=report.say
            )
            release = _Release(output_dir, publisher, former, builder, report)
            # Embedders are made of the others' tarballs.
            for is_embedder in (False, True):
                chosen = [
                    model for model in listed if (model.kind == manifest.EMBEDDER) is is_embedder
                ]
                release.done |= {
                    str(outcome.model): outcome for outcome in pool.map(release.one, chosen)
                }
        done = [release.done[str(model)] for model in listed]
        outcomes.print_table(done)
        # Of all the versions that there are, whoever built them.
        sums.check(output_dir, former=former)
        website.write(output_dir, publisher=publisher, base_url=base_url)
        sums.write(output_dir, work=work)
        if key is not None:
            path = os.path.join(output_dir, sums.FILE)
            signature.ensure(key, path, path + places.SIGNATURE, work=work)
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
        builder: building.Builder,
        report: reporting.Report,
    ) -> None:
        self._output_dir = output_dir
        self._publisher = publisher
        self._former = former
        self._builder = builder
        self._report = report
        self.done: dict[str, outcomes.Outcome] = {}

    def one(self, model: models.Model) -> outcomes.Outcome:
        """Releases one model."""
        place = places.Place(self._output_dir, publisher=self._publisher, model=model)
        try:
            state = self._ensure(model, place)
            digest = checksums.sha256(place.tarball)
            outcome = outcomes.Outcome(model=model, place=place, state=state, digest=digest)
            self._report.say(f"{model}: {state}, sha256 {digest}")
        except (errors.InputError, OSError) as error:
            outcome = outcomes.Outcome(
                model=model, place=place, state=outcomes.FAILED, problem=str(error)
            )
            self._report.say(f"{model}: {outcomes.FAILED}: {error}")
        self._report.advance()
        return outcome

    def _ensure(self, model: models.Model, place: places.Place) -> str:
        """Makes sure that a version is complete, and returns whether it was built or kept."""
        parts = self._parts(model)
        made_from = inputs.of(model, parts={name: str(part.digest) for name, part in parts.items()})
        if os.path.lexists(place.tarball):
            self._check(place, statement.parameters(model, made_from))
            self._builder.sign(place)
            return outcomes.KEPT
        tarballs = {
            part: parts[name].place.tarball for part, name in model.sources.items() if name in parts
        }
        self._builder.build(
            model,
            inputs=made_from,
            place=place,
            parts=tarballs,
            expected=self._former.get(place.name),
        )
        return outcomes.RELEASED

    def _parts(self, model: models.Model) -> dict[str, outcomes.Outcome]:
        """Returns the outcomes of the models that an embedder is made of, by `str(model)`."""
        if model.kind != manifest.EMBEDDER:
            return {}
        parts = {name: self.done[name] for name in model.sources.values()}
        failed = [name for name, part in parts.items() if part.state == outcomes.FAILED]
        if failed:
            raise errors.ReleaseError(f"it is made of what failed: {', '.join(failed)}")
        return parts

    def _check(self, place: places.Place, parameters: Mapping[str, Any]) -> None:
        """Checks that a version is what was released, from the same inputs.

        Raises:
          errors.VerificationError: the tarball or its statement was changed.
          errors.VersionExistsError: it was released from others.
        """
        digest = checksums.sha256(place.tarball)
        stated, made_from = statement.load(place.statement)
        if digest != stated or self._former.get(place.name, digest) != digest:
            raise errors.VerificationError(
                f"{place.tarball!r} is not what was released: its sha256 is {digest}, and its "
                f"statement says {stated}"
            )
        differences = [
            f"{name} was {made_from.get(name)!r} and is {parameters.get(name)!r}"
            for name in sorted(parameters.keys() | made_from.keys())
            if parameters.get(name) != made_from.get(name)
        ]
        if differences:
            title = "it was released from other inputs; give it a new version"
            raise errors.VersionExistsError(errors.listing(title, differences))
