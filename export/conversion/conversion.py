"""Converts an encoder or a text model into a folder, and verifies such a folder against it.

Example:
    made = conversion.Request(format_name="onnx", quantize="int8")
    conversion.write(directory, source=source, request=made)
    conversion.verify("exports/albert_en_large-onnx-int8/1", source=None)
"""

import dataclasses
import os
import shutil
from collections.abc import Sequence
from typing import Any, TypeGuard

from configs import errors, hub_api
from export.artifacts import text_model_spec
from export.conversion import batches, differences, formats, opening
from export.conversion import source as sources
from export.conversion.hugging_face import folder, model_class, sentence_transformers_files
from export.conversion.text import text_batches, text_source
from export.metadata import checksums, manifest
from export.verification import check, verification

_ASSETS = "assets"  # of the SavedModel: the tokenizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks for.

    Attributes:
      format_name: one of `formats.FORMATS`.
      quantize: one of `formats.QUANTIZATIONS`.
      signatures: besides `serving_default`.
      min_cosine: the smallest cosine to the SavedModel's vectors that is good enough.
      texts: what it is measured on; None for the built-in texts.
      preprocessor: folder of the preprocessor that belongs to the encoder, for a folder that has a
        tokenizer and whose encoder has not recorded how text is split.
    """

    format_name: str
    quantize: str = formats.NONE
    signatures: tuple[str, ...] = ()
    min_cosine: float = 0.99
    texts: tuple[str, ...] | None = None
    preprocessor: str | None = None


def check_convertible(source: sources.Source, *, request: Request) -> None:
    """Checks what can be checked without weights and texts.

    Args:
      source: what is converted. Of its variables the names count.
      request: what the user asks for.

    Raises:
      errors.InputError: the format has not got what it computes, or it lacks a signature.
    """
    chosen = formats.FORMATS[request.format_name]
    if isinstance(source, text_source.TextModel):
        opening.check_task(source.directory, source.task, chosen=chosen)
    if chosen.is_folder:
        encoder = _encoder(source)
        model_class.Description.of(encoder, model_class.choose(encoder, request.signatures))
        return
    if isinstance(source, text_source.TextModel):
        source.check_convertible()
    _chosen(source, request.signatures)


def write(directory: str, *, source: sources.Source, request: Request) -> list[str]:
    """Writes a complete, verified artifact: files, tokenizer, manifest and digests.

    Args:
      directory: existing and empty.
      source: the encoder.
      request: what the user asks for.

    Returns:
      Lines for the user: what was measured.

    Raises:
      errors.InputError: the encoder does not have one of the signatures.
      errors.VerificationError: it does not compute what the SavedModel does, closely enough.
    """
    chosen = formats.get(request.format_name, quantize=request.quantize)
    check_convertible(source, request=request)
    write_format = _write_folder if chosen.is_folder else _write_graphs
    entries, lines = write_format(directory, source, request)
    entries["sizes"] = {
        one.name: one.stat().st_size
        for one in sorted(os.scandir(directory), key=lambda one: one.name)
        if one.is_file()
    }
    if os.path.isdir(os.path.join(source.directory, _ASSETS)) and not chosen.is_folder:
        shutil.copytree(os.path.join(source.directory, _ASSETS), os.path.join(directory, _ASSETS))
    manifest.write(
        directory,
        artifact=manifest.CONVERSION,
        entries={**_manifest_entries(source, request), **entries},
    )
    checksums.write(directory)
    return lines


_Written = tuple[dict[str, Any], list[str]]  # entries of the manifest, lines for the user


def _write_folder(directory: str, source: sources.Source, request: Request) -> _Written:
    written = folder.write(
        directory,
        source=_encoder(source),
        signatures=request.signatures,
        preprocessor=request.preprocessor,
    )
    lines = written.summary()
    if _is_embedder(source):
        lines += sentence_transformers_files.write(directory, source=source)
    return written.manifest_entries(), lines


def _encoder(source: sources.Source) -> sources.Source:
    return source.encoder if isinstance(source, text_source.TextModel) else source


def _is_embedder(source: sources.Source) -> TypeGuard[text_source.TextModel]:
    return isinstance(source, text_source.TextModel) and source.task == text_model_spec.EMBED


def _write_graphs(directory: str, source: sources.Source, request: Request) -> _Written:
    chosen = formats.FORMATS[request.format_name]
    found, tokenizer = _batches(source, request.texts)
    signatures = _chosen(source, request.signatures)
    chosen.implementation().write(
        directory, source=source, signatures=signatures, quantize=request.quantize
    )
    compared = differences.compare(
        directory,
        source=source,
        signatures=signatures,
        format_name=chosen.name,
        found=found,
    )
    problems = [one.problem for one in _findings(compared, source, request) if one.problem]
    if problems:
        title = "nothing is published, because it is not what the SavedModel is"
        raise errors.VerificationError(errors.listing(title, problems))
    entries = {
        "signatures": {
            one.name: {
                "file": sources.file_name(one.name, chosen.implementation().ENDING),
                "inputs": list(one.inputs),
                "outputs": list(one.outputs),
            }
            for one in signatures
        },
        "compared": compared.manifest_entries(),
        **chosen.implementation().manifest_entries(),
        **({"tokenizer": tokenizer.entries} if tokenizer else {}),
    }
    return entries, [*compared.summary(), *(tokenizer.notices if tokenizer else ())]


def _manifest_entries(source: sources.Source, request: Request) -> dict[str, Any]:
    """Returns what the manifest records of the source and of what was asked for."""
    return {
        "format": request.format_name,
        "quantize": request.quantize,
        "min_cosine": request.min_cosine,
        "source_sha256": checksums.digest(source.directory),
        "made_from": dict(source.manifest),
        "config": source.config.to_json(),
    }


def verify(directory: str, *, source: str | None) -> verification.Verification:
    """Compares a converted artifact, whose digests are good, with its source.

    Args:
      directory: of the artifact.
      source: directory of the SavedModel; None for the one beside it that has the digest which
        the manifest records.

    Raises:
      errors.CheckpointError: the SavedModel is not there, or is no encoder.
      errors.InputError: the format's packages are not installed.
      errors.VerificationError: it does not run.
    """
    content = manifest.read(directory)
    try:
        request = Request(
            format_name=content["format"],
            quantize=content["quantize"],
            signatures=tuple(content["signatures"]),
            min_cosine=content["min_cosine"],
        )
        recorded = content["source_sha256"]
    except (KeyError, TypeError) as error:
        raise errors.VerificationError(f"the manifest of {directory!r} lacks {error}") from error
    chosen = formats.get(request.format_name, quantize=request.quantize)
    place = source if source is not None else _beside(directory, recorded)
    is_source = checksums.digest(place) == recorded
    of_source = check.Finding(
        check=f"its source is {place}",
        problem=None if is_source else f"it was made from another artifact than {place}",
    )
    if not is_source:
        return verification.Verification(findings=(of_source,), comparison=None)
    opened = opening.open(place, chosen=chosen, recorded=content["config"])
    if chosen.is_folder:
        encoder = _encoder(opened)
        found = folder.verify(directory, source=encoder, signatures=request.signatures)
        if _is_embedder(opened):
            problem = sentence_transformers_files.problem(directory, source=opened)
            found.append(check.Finding(check="its vectors are made the same way", problem=problem))
        return verification.Verification(findings=(of_source, *found), comparison=None)
    compared = differences.compare(
        directory,
        source=opened,
        signatures=_chosen(opened, request.signatures),
        format_name=chosen.name,
        found=_batches(opened, None)[0],
    )
    findings = (of_source, *_findings(compared, opened, request))
    return verification.Verification(findings=findings, comparison=None)


def _batches(
    source: sources.Source, texts: Sequence[str] | None
) -> tuple[list[batches.Batch], text_batches.Tokenizer | None]:
    """Returns what both are run on, and of a text model how its tokenizer was compared."""
    if isinstance(source, text_source.TextModel):
        return text_batches.make(source, texts=texts)
    return batches.make(source, texts=texts), None


def _chosen(source: sources.Source, names: Sequence[str]) -> list[sources.Signature]:
    """Returns `serving_default` and the signatures of those names."""
    unknown = [name for name in names if name not in source.signatures]
    if unknown:
        raise errors.InputError(
            f"{source.directory!r} has no signature {', '.join(unknown)}; it has "
            f"{', '.join(source.signatures)}"
        )
    chosen = dict.fromkeys([hub_api.SERVING_DEFAULT, *names])
    return [source.signatures[name] for name in chosen]


def _findings(
    compared: differences.Comparison, source: sources.Source, request: Request
) -> list[check.Finding]:
    return differences.findings(
        compared,
        quantize=request.quantize,
        compute_dtype=source.compute_dtype,
        min_cosine=request.min_cosine,
    )


def _beside(directory: str, recorded: str) -> str:
    """Returns the version of another model in the same folder of models that has the digest."""
    models = os.path.dirname(os.path.dirname(os.path.abspath(directory)))
    for path in _versions(models):
        if checksums.recorded_digest(path) == recorded:
            return path
    raise errors.CheckpointError(
        f"the SavedModel that {directory!r} was made from is not beside it, in {models!r}: say "
        "where with --source"
    )


def _versions(models: str) -> list[str]:
    found: list[str] = []
    for model in sorted(os.listdir(models)):
        folder = os.path.join(models, model)
        if os.path.isdir(folder):
            found += [os.path.join(folder, version) for version in sorted(os.listdir(folder))]
    return found


def version_of(directory: str) -> tuple[str | None, int | None]:
    """Returns the model's name and the version of a published artifact, from its path.

    None and None for a folder that is not `<model_name>/<version>`.
    """
    path, version = os.path.split(os.path.realpath(directory))
    if not (version.isascii() and version.isdigit() and int(version) > 0):
        return None, None
    return os.path.basename(path), int(version)


def model_name(name: str, *, format_name: str, quantize: str) -> str:
    """Returns the name of the folder above the versions of what is converted."""
    return f"{name}-{formats.label(format_name, quantize=quantize)}"
