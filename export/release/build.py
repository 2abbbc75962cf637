"""One version of a model: exported, packed, unpacked, verified, signed and put in place.

Example:
    builder = build.Builder(commands=commands, work=work, made_with=toolchain, key=None,
                               log=print)
    builder.build(model, inputs=inputs, version_paths=version_paths, parts={})
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
        commands: command_runner.CommandRunner,
        work: str,
        made_with: toolchain.Toolchain,
        key: signing.Key | None,
        log: Callable[[str], None],
    ) -> None:
        """Builds nothing yet.

        Args:
          commands: runs the commands.
          work: folder to work in, on the file system of the release.
          made_with: the commit and the packages.
          key: signs; None for no signatures.
          log: is told what goes on.
        """
        self._command_runner = commands
        self._work = work
        self._made_with = made_with
        self._key = key
        self._log = log

    def build(
        self,
        model: model_list.Model,
        *,
        inputs: Mapping[str, Any],
        version_paths: paths.VersionPaths,
        parts: Mapping[str, str],
        expected: str | None,
    ) -> None:
        """Builds a version and publishes it, the tarball last.

        Args:
          model: the model.
          inputs: see `build_inputs.collect`.
          version_paths: where it is published.
          parts: paths of the tarballs of the models that an embedder is made of.
          expected: sha256 that its tarball had when it was released before; None if it was not.

        Raises:
          errors.VersionExistsError: it was released before, and would be another now.
          errors.InputError: it cannot be exported, or what was exported is not right.
        """
        work = os.path.join(self._work, model.name, str(model.version))
        os.makedirs(work)
        self._log(f"{model}: exporting")
        artifact = self._export(model, work, parts)
        found = manifest.read(artifact)
        _check_inputs(inputs, found)
        packed = os.path.join(work, os.path.basename(version_paths.tarball))
        tarball.write(artifact, packed)
        digest = checksums.sha256(packed)
        if digest != (expected or digest):
            raise errors.VersionExistsError(
                f"it was released before with sha256 {expected}, and would have {digest} now; "
                "versions are never overwritten"
            )
        self._log(f"{model}: verifying")
        self._verify(model, packed, work)
        content = provenance.make(
            model,
            subject=version_paths.name,
            digest=digest,
            inputs=inputs,
            manifest=found,
            made_with=self._made_with,
        )
        self._publish(packed, provenance.dump(content), version_paths)
        shutil.rmtree(work)

    def sign(self, version_paths: paths.VersionPaths) -> None:
        """Signs a version that is published, unless its signature is there."""
        if self._key is not None:
            signing.ensure(
                self._key, version_paths.tarball, version_paths.signature, work=self._work
            )

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
        return self._command_runner.run(
            f"export.{model.kind}", *_arguments(flags), log_prefix=model.name
        )

    def _verify(self, model: model_list.Model, packed: str, work: str) -> None:
        """Verifies what comes out of the tarball, against the checkpoint if there is one."""
        unpacked = os.path.join(work, "unpacked")
        tarball.unpack(packed, unpacked)
        flags = {**model.sources, **model.options} if "checkpoint" in model.sources else {}
        compared = {name: flags[name] for name in _COMPARED if name in flags}
        self._command_runner.run(
            "export.verify", unpacked, *_arguments(compared), log_prefix=model.name
        )

    def _publish(self, packed: str, stated: str, version_paths: paths.VersionPaths) -> None:
        """Puts a version where others see it, the tarball last: it makes the version complete."""
        path = packed + paths.STATEMENT
        with open(path, "w", encoding="utf-8") as file:
            file.write(stated)
        paths.publish_file(path, version_paths.statement)
        if self._key is not None:
            signed = packed + paths.SIGNATURE
            self._key.sign(packed, signed)
            paths.publish_file(signed, version_paths.signature)
        elif os.path.exists(version_paths.signature):  # of a version that somebody removed
            os.unlink(version_paths.signature)
        paths.publish_file(packed, version_paths.tarball)


def _arguments(flags: Mapping[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def _check_inputs(inputs: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Checks that the manifest names the inputs that the statement will name."""
    changed = [name for name in inputs if name in found and inputs[name] != found[name]]
    if changed:
        raise errors.ReleaseError(f"changed while it was exported: {', '.join(changed)}")
