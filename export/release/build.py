"""One version of a model: exported, packed, unpacked, verified, signed and put in its place.

builder = building.Builder(running=running, work=work, made_with=toolchain, key=None,
                           say=print)
builder.build(model, inputs=inputs, place=place, parts={})
"""

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from configs import errors
from export.metadata import checksums, manifest
from export.release import (
    command_runner,
    model_list,
    paths,
    provenance,
    signing,
    tarball,
    toolchain,
)

# Flags of `export.encoder` that `export.verify` has too, for the comparison with a checkpoint.
_COMPARED = ("checkpoint", "checkpoint_format", "config")


class Builder:
    """Builds versions."""

    def __init__(
        self,
        *,
        running: command_runner.Children,
        work: str,
        made_with: toolchain.Toolchain,
        key: signing.Key | None,
        say: Callable[[str], None],
    ) -> None:
        """Builds nothing yet.

        Args:
          running: runs the commands.
          work: folder to work in, on the file system of the release.
          made_with: the commit and the packages.
          key: signs; None for no signatures.
          say: is told what goes on.
        """
        self._running = running
        self._work = work
        self._made_with = made_with
        self._key = key
        self._say = say

    def build(
        self,
        model: model_list.Model,
        *,
        inputs: Mapping[str, Any],
        place: paths.Place,
        parts: Mapping[str, str],
        expected: str | None,
    ) -> None:
        """Builds a version and publishes it, the tarball last.

        Args:
          model: the model.
          inputs: see `inputs.of`.
          place: where it is published.
          parts: paths of the tarballs of the models that an embedder is made of.
          expected: sha256 that its tarball had when it was released before; None if it was not.

        Raises:
          errors.VersionExistsError: it was released before, and would be another now.
          errors.InputError: it cannot be exported, or what was exported is not right.
        """
        work = os.path.join(self._work, model.name, str(model.version))
        os.makedirs(work)
        self._say(f"{model}: exporting")
        artifact = self._export(model, work, parts)
        found = manifest.read(artifact)
        _check_inputs(inputs, found)
        packed = os.path.join(work, os.path.basename(place.tarball))
        tarball.write(artifact, packed)
        digest = checksums.sha256(packed)
        if digest != (expected or digest):
            raise errors.VersionExistsError(
                f"it was released before with sha256 {expected}, and would have {digest} now; "
                "versions are never overwritten"
            )
        self._say(f"{model}: verifying")
        self._verify(model, packed, work)
        content = provenance.make(
            model,
            subject=place.name,
            digest=digest,
            inputs=inputs,
            manifest=found,
            made_with=self._made_with,
        )
        self._publish(packed, provenance.dump(content), place)
        shutil.rmtree(work)

    def sign(self, place: paths.Place) -> None:
        """Signs a version that is published, unless its signature is there."""
        if self._key is not None:
            signing.ensure(self._key, place.tarball, place.signature, work=self._work)

    def _export(self, model: model_list.Model, work: str, parts: Mapping[str, str]) -> str:
        """Returns the folder of the artifact, which its exporter has verified."""
        sources = dict(model.sources)
        for part, path in parts.items():
            sources[part] = os.path.join(work, part)
            tarball.unpack(path, sources[part])
        flags = {
            "export_dir": os.path.join(work, "exports"),
            "model_name": model.name,
            "version": model.version,
            **sources,
            **model.options,
        }
        return self._running.run(f"export.{model.kind}", *_arguments(flags), about=model.name)

    def _verify(self, model: model_list.Model, packed: str, work: str) -> None:
        """Verifies what comes out of the tarball, against the checkpoint if there is one."""
        unpacked = os.path.join(work, "unpacked")
        tarball.unpack(packed, unpacked)
        flags = {**model.sources, **model.options} if "checkpoint" in model.sources else {}
        compared = {name: flags[name] for name in _COMPARED if name in flags}
        self._running.run("export.verify", unpacked, *_arguments(compared), about=model.name)

    def _publish(self, packed: str, stated: str, place: paths.Place) -> None:
        """Puts a version where others see it, the tarball last: it makes the version complete."""
        path = packed + paths.STATEMENT
        with open(path, "w", encoding="utf-8") as file:
            file.write(stated)
        paths.put(path, place.statement)
        if self._key is not None:
            signed = packed + paths.SIGNATURE
            self._key.sign(packed, signed)
            paths.put(signed, place.signature)
        elif os.path.exists(place.signature):  # of a version that somebody removed
            os.unlink(place.signature)
        paths.put(packed, place.tarball)


def _arguments(flags: Mapping[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def _check_inputs(inputs: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Checks that the manifest names the inputs that the statement will name."""
    changed = [name for name in inputs if name in found and inputs[name] != found[name]]
    if changed:
        raise errors.ReleaseError(f"changed while it was exported: {', '.join(changed)}")
