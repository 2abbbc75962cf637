"""The released models: every `<publisher>/<name>/<version>.tar.gz` in a folder, and its manifest.

Example:
    models = catalog.read("dist")
    models.latest()  # the highest version of each name
    models.conversions_of(models.models[0])  # to other formats

The pages say about a model only what its tarball's bytes and manifest say. Nothing is unpacked, and
TensorFlow is not needed.
"""

import dataclasses
import glob
import gzip
import os
import re
import tarfile
import zlib
from collections.abc import Sequence
from typing import Any

from configs import errors, strangers_files
from export.conversion import formats
from export.metadata import checksums, manifest
from export.publishing import staging
from export.release import paths

_LARGEST = 1 << 24  # bytes of a manifest
_NAME = staging.MODEL_NAME.pattern
_PATH = re.compile(
    rf"(?P<publisher>{_NAME})/(?P<name>{_NAME})/(?P<version>[1-9][0-9]*){re.escape(paths.TARBALL)}"
)
_BESIDE = (paths.STATEMENT, paths.BILL_OF_MATERIALS, paths.SIGNATURE, paths.VERIFICATION)
_KINDS = (
    manifest.ENCODER,
    manifest.PREPROCESSOR,
    manifest.EMBEDDER,
    manifest.TEXT_MODEL,
    manifest.CONVERSION,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """A released version of a model.

    Attributes:
      publisher: name of the folder above the models.
      name: name of the model.
      version: a positive integer.
      manifest: see `export/metadata/manifest.py`.
      num_bytes: size of the tarball.
      sha256: digest of the tarball.
      content_sha256: digest of the list of its files' digests, by which conversions name it; None
        without a list.
      verification: what `export.verify` found in it; None where no file says so.
      beside: those of `paths.STATEMENT`, `BILL_OF_MATERIALS`, `SIGNATURE` and `VERIFICATION` for
        which the tarball has a file.
    """

    publisher: str
    name: str
    version: int
    manifest: dict[str, Any] = dataclasses.field(repr=False)
    num_bytes: int
    sha256: str
    content_sha256: str | None
    verification: dict[str, Any] | None = dataclasses.field(default=None, repr=False)
    beside: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`manifest.ENCODER`, `PREPROCESSOR`, `EMBEDDER`, `TEXT_MODEL` or `CONVERSION`."""
        return self.manifest["artifact"]

    @property
    def handle(self) -> str:
        """The path of the address from which TensorFlow Hub loads it."""
        return f"{self.publisher}/{self.name}/{self.version}"

    @property
    def encoder(self) -> dict[str, Any] | None:
        """The manifest of the encoder that it is or contains; None for a preprocessor."""
        return self._manifest_of(manifest.ENCODER)

    @property
    def preprocessor(self) -> dict[str, Any] | None:
        """The manifest of the preprocessor that it is or contains; None for an encoder."""
        return self._manifest_of(manifest.PREPROCESSOR)

    @property
    def tokenizer(self) -> dict[str, str] | None:
        """File name and sha256 of its vocabulary; None for an encoder of ids alone."""
        entries = self.encoder or self.preprocessor
        assert entries is not None
        return entries["tokenizer"]

    @property
    def tokenization(self) -> dict[str, Any] | None:
        """What is done to text; None where version 0.1 did not record it."""
        entries = self.encoder or self.preprocessor or {}
        keys = ("tokenization", "lower_case", "keep_accents", "tokenization_sha256")
        return {key: entries.get(key) for key in keys} if "keep_accents" in entries else None

    def _manifest_of(self, kind: str) -> dict[str, Any] | None:
        if self.kind == kind:
            return self.manifest
        return self.manifest.get("made_from", {}).get(kind)


@dataclasses.dataclass(frozen=True)
class Catalog:
    """Released models, sorted by publisher, name and version.

    Attributes:
      models: the SavedModels.
      conversions: what they were converted to, which has no pages of its own.
    """

    models: Sequence[PublishedModel]
    conversions: Sequence[PublishedModel] = ()

    def by_publisher(self, publisher: str) -> "Catalog":
        """Returns the models of a publisher, and what they were converted to."""
        return Catalog(
            [model for model in self.models if model.publisher == publisher],
            [model for model in self.conversions if model.publisher == publisher],
        )

    def latest(self) -> list[PublishedModel]:
        """Returns the highest version of each model."""
        return list({(model.publisher, model.name): model for model in self.models}.values())

    def versions(self, model: PublishedModel) -> list[PublishedModel]:
        """Returns all versions of a model, in ascending order."""
        name = (model.publisher, model.name)
        return [other for other in self.models if (other.publisher, other.name) == name]

    def conversions_of(self, model: PublishedModel) -> dict[str, PublishedModel]:
        """Returns what it was converted to, by label, in the order of `formats.LABELS`.

        A conversion has the model's name and its own label, the model's version, and names it by
        content.
        """
        by_handle = {other.handle: other for other in self.conversions}
        found = {
            label: by_handle.get(f"{model.publisher}/{model.name}-{label}/{model.version}")
            for label in formats.LABELS
        }
        return {
            label: other
            for label, other in found.items()
            if other and other.manifest.get("source_sha256", "") == model.content_sha256
        }

    def same_tokenizer(self, model: PublishedModel, kind: str) -> list[PublishedModel]:
        """Returns the publisher's latest models of a kind with the same tokenizer.

        The vocabulary is the same and, where both record it, what is done to text.
        """
        if model.tokenizer is None:
            return []
        return [
            other
            for other in self.by_publisher(model.publisher).latest()
            if other.kind == kind
            and other.tokenizer is not None
            and other.tokenizer["sha256"] == model.tokenizer["sha256"]
            and (
                None in (model.tokenization, other.tokenization)
                or model.tokenization == other.tokenization
            )
        ]


def read(output_dir: str) -> Catalog:
    """Reads every released model in `output_dir`.

    Raises:
      errors.VerificationError: a tarball is damaged, or is not an artifact of this toolchain.
    """
    found = glob.glob(f"*/*/*{paths.TARBALL}", root_dir=output_dir)
    matches = filter(None, map(_PATH.fullmatch, found))
    models = [_model(output_dir, match) for match in matches]
    models.sort(key=lambda model: (model.publisher, model.name, model.version))
    conversions = [model for model in models if model.kind == manifest.CONVERSION]
    return Catalog([model for model in models if model not in conversions], conversions)


def _model(output_dir: str, match: re.Match[str]) -> PublishedModel:
    path = os.path.join(output_dir, match[0])
    stem = path.removesuffix(paths.TARBALL)
    beside = [suffix for suffix in _BESIDE if os.path.isfile(stem + suffix)]
    entries, content_sha256 = _manifest(path)
    sha256 = checksums.sha256(path)
    verification = None
    if paths.VERIFICATION in beside:
        verification = _verification(stem + paths.VERIFICATION, sha256)
    return PublishedModel(
        publisher=match["publisher"],
        name=match["name"],
        version=int(match["version"]),
        manifest=entries,
        num_bytes=os.path.getsize(path),
        sha256=sha256,
        content_sha256=content_sha256,
        verification=verification,
        beside=tuple(beside),
    )


def _verification(path: str, sha256: str) -> dict[str, Any]:
    """Returns what was found in the tarball with a digest."""
    try:
        with open(path, "rb", opener=strangers_files.opener) as file:
            content = strangers_files.parse_json(file.read(_LARGEST))
        if content["subject"]["sha256"] == sha256:
            return content
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise errors.VerificationError(f"{path!r} cannot be read: {error!r}") from error
    raise errors.VerificationError(f"{path!r} is of another tarball; remove it")


def _manifest(path: str) -> tuple[dict[str, Any], str | None]:
    """Returns the manifest inside a tarball, and the digest of the list of digests before it."""
    content_sha256 = None
    try:
        with (
            open(path, "rb", opener=strangers_files.opener) as stream,
            gzip.open(stream) as unpacked,  # the tar module's own gzip raises a bare TypeError
            tarfile.open(fileobj=unpacked, mode="r|") as archive,
        ):
            for member in archive:
                file = archive.extractfile(member)
                name = os.path.normpath(member.name)
                if name == checksums.FILE and file:
                    content_sha256 = checksums.sha256_of_stream(file)
                if name == manifest.FILE:
                    content = strangers_files.parse_json(file.read(_LARGEST)) if file else None
                    if isinstance(content, dict) and content.get("artifact") in _KINDS:
                        return content, content_sha256
                    break
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        raise errors.VerificationError(f"{path!r} cannot be read: {error}") from error
    raise errors.VerificationError(f"{path!r} has no manifest of this toolchain; export it again")
