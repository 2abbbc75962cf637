"""Builds a version of a model: exports, packs, unpacks, verifies, signs and publishes it.

Example:
    builder = build.Builder(
        commands=commands, work=work, made_with=toolchain, key=None, log=print
    )
    builder.build(
        model, inputs=inputs, version_paths=version_paths, components={}, expected=None
    )
"""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from configs import errors
from export.metadata import checksums, manifest
from export.release import (
    bill_of_materials,
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Builder:
    """Builds versions.

    Attributes:
      commands: runs the commands.
      work: folder for temporary files, on the file system of the release.
      made_with: the commit and the packages.
      key: the key to sign with; None for no signatures.
      log: called with lines about the progress.
    """

    commands: command_runner.CommandRunner
    work: str
    made_with: toolchain.Toolchain
    key: signing.Key | None
    log: Callable[[str], None]

    def build(
        self,
        model: model_list.ModelSpec,
        *,
        inputs: Mapping[str, Any],
        version_paths: paths.VersionPaths,
        components: Mapping[str, str],
        expected: str | None,
    ) -> None:
        """Builds a version and publishes it, the tarball last.

        Args:
          model: the model.
          inputs: see `build_inputs.collect`.
          version_paths: the paths to publish to.
          components: paths of the tarballs of the models that it is made of, by kind.
          expected: sha256 of the tarball that was released before; None if none was.

        Raises:
          errors.VersionExistsError: the tarball differs from the one that was released before.
          errors.InputError: the model cannot be exported, or is not verified.
        """
        work = os.path.join(self.work, model.name, str(model.version))
        os.makedirs(work)
        self.log(f"{model}: exporting")
        artifact = self._export(model, work, components)
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
        self.log(f"{model}: verifying")
        verified = self._verify(model, packed, work)
        content = provenance.make(
            model,
            subject=version_paths.name,
            digest=digest,
            inputs=inputs,
            manifest=found,
            made_with=self.made_with,
        )
        texts = {
            version_paths.statement: provenance.dump(content),
            version_paths.bill_of_materials: bill_of_materials.make(content),
        }
        if verified is not None:
            subject = {"name": version_paths.name, "sha256": digest}
            results = {"subject": subject, **verified}
            texts[version_paths.verification] = json.dumps(results, indent=2) + "\n"
        self._publish(packed, texts, version_paths)
        shutil.rmtree(work)

    def sign(self, version_paths: paths.VersionPaths) -> None:
        """Signs a published version, unless it has a signature by the key."""
        if self.key is not None:
            signing.ensure(self.key, version_paths.tarball, version_paths.signature, work=self.work)

    def _export(self, model: model_list.ModelSpec, work: str, components: Mapping[str, str]) -> str:
        """Returns the folder of the artifact."""
        sources = dict(model.sources)
        for kind, path in components.items():
            sources[kind] = os.path.join(work, kind)
            tarball.unpack(path, sources[kind])
        flags = {
            "export_dir": os.path.join(work, "exports"),
            "model_name": model.name,
            "version": model.version,
            **sources,
            **model.options,
        }
        command, arguments = f"export.{model.kind}", []
        if model.kind == manifest.CONVERSION:  # the command adds the format to the name
            ((kind, source),) = model.sources.items()
            command, arguments = "export.convert", [flags.pop(kind)]
            flags["model_name"], _, _ = source.partition("/")
        return self.commands.run(command, *arguments, *_arguments(flags), log_prefix=model.name)

    def _verify(self, model: model_list.ModelSpec, packed: str, work: str) -> dict[str, Any] | None:
        """Verifies the content of the tarball, against what it was made from if there is that.

        Returns:
          What was found; None of a conversion, whose manifest has it.
        """
        unpacked = os.path.join(work, "unpacked")
        tarball.unpack(packed, unpacked)
        flags = {}
        if model.kind == manifest.ENCODER and "checkpoint" in model.sources:
            said = {**model.sources, **model.options}
            flags = {name: said[name] for name in _COMPARED if name in said}
        elif model.kind == manifest.CONVERSION:
            (kind,) = model.sources
            flags = {"source": os.path.join(work, kind)}  # unpacked for the export
        results = os.path.join(work, "results.json")
        if model.kind != manifest.CONVERSION:
            flags["results"] = results
        self.commands.run("export.verify", unpacked, *_arguments(flags), log_prefix=model.name)
        if model.kind == manifest.CONVERSION:
            return None
        with open(results, encoding="utf-8") as file:
            return json.load(file)

    def _publish(
        self, packed: str, texts: Mapping[str, str], version_paths: paths.VersionPaths
    ) -> None:
        """Publishes the files of a version, the tarball last, which makes the version complete."""
        for target, text in texts.items():
            path = os.path.join(os.path.dirname(packed), os.path.basename(target))
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            paths.publish_file(path, target)
        if self.key is not None:
            signature = packed + paths.SIGNATURE
            self.key.sign(packed, signature)
            paths.publish_file(signature, version_paths.signature)
        elif os.path.exists(version_paths.signature):  # the user removed the tarball alone
            os.unlink(version_paths.signature)
        paths.publish_file(packed, version_paths.tarball)


def _arguments(flags: Mapping[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def _check_inputs(inputs: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Checks that the manifest has the same inputs as the statement."""
    changed = [name for name in inputs if name in found and inputs[name] != found[name]]
    if changed:
        raise errors.ReleaseError(f"changed during the export: {', '.join(changed)}")
