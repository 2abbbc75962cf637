"""The in-toto statement of a tarball: SLSA provenance.

Example:
    provenance.make(model, subject="tensorflow/albert_en_large/3.tar.gz", digest=sha256,
                    inputs=inputs, manifest=manifest, made_with=toolchain)

https://in-toto.io/Statement/v1 and https://slsa.dev/provenance/v1. Without times and paths of the
machine, the same inputs give the same bytes.
"""

import json
import platform
from collections.abc import Iterator, Mapping
from typing import Any

import configs
from configs import errors, strangers_files
from export.release import model_list, toolchain

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
# Identifies the format of the parameters: a model of `models.json`, and its inputs by content.
BUILD_TYPE = "urn:albert-hub-export:release:v1"
_BUILDER = "urn:albert-hub-export:export.release"


def make(
    model: model_list.ModelSpec,
    *,
    subject: str,
    digest: str,
    inputs: Mapping[str, Any],
    manifest: Mapping[str, Any],
    made_with: toolchain.Toolchain,
) -> dict[str, Any]:
    """Returns the statement, as JSON values.

    Args:
      model: the model.
      subject: path of the tarball in the release.
      digest: sha256 of the tarball.
      inputs: of the model; see `build_inputs.collect`.
      manifest: of the artifact in the tarball.
      made_with: the commit and the packages.
    """
    packages = [
        {"name": name, "uri": f"pkg:pypi/{name}@{version}"} for name, version in made_with.packages
    ]
    version = {"albert-hub-export": configs.__version__, "python": platform.python_version()}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": subject, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": parameters(model, inputs),
                "internalParameters": {"toolchain": manifest["toolchain"]},
                "resolvedDependencies": [
                    _source(made_with),
                    *_materials(inputs, manifest),
                    *packages,
                ],
            },
            "runDetails": {"builder": {"id": _BUILDER, "version": version}},
        },
    }


def parameters(model: model_list.ModelSpec, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values that must not change under a version: the model and its inputs."""
    return {
        "name": model.name,
        "version": model.version,
        "kind": model.kind,
        "options": dict(model.options),
        **inputs,
    }


def _source(made_with: toolchain.Toolchain) -> dict[str, Any]:
    descriptor: dict[str, Any] = {"name": "source"}
    if made_with.source_uri:
        descriptor["uri"] = made_with.source_uri
    if made_with.commit:
        descriptor["digest"] = {"gitCommit": made_with.commit}
        descriptor["annotations"] = {"modified": made_with.modified}
    else:
        descriptor["annotations"] = {"commit": "unknown"}
    return descriptor


def _materials(inputs: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the resource descriptors of the input files of a model."""
    weights = manifest.get("weights", {})
    repository = weights.get("repository")
    for name, digest in sorted(weights.get("files", {}).items()):
        descriptor = {"name": f"checkpoint/{name}", "digest": {"sha256": digest}}
        if repository:
            descriptor["uri"] = f"hf://{repository}"
        yield descriptor
    tokenizer = manifest.get("tokenizer") or {}
    if "file" in tokenizer:  # that of a conversion says how it was compared
        yield {"name": f"tokenizer/{tokenizer['file']}", "digest": {"sha256": tokenizer["sha256"]}}
    for kind in ("encoder", "preprocessor", "embedder", "text_model"):
        if kind in inputs:
            name, digest = f"{inputs[kind]['model']}.tar.gz", inputs[kind]["sha256"]
            yield {"name": name, "digest": {"sha256": digest}}


def dump(statement: Mapping[str, Any]) -> str:
    """Returns the content of the statement's file."""
    return json.dumps(statement, indent=2, sort_keys=True) + "\n"


def load(path: str) -> tuple[str, dict[str, Any]]:
    """Reads a statement that `dump` wrote.

    Returns:
      The sha256 of the tarball, and the `parameters`.

    Raises:
      errors.VerificationError: the file is damaged, or is not such a statement.
    """
    try:
        with open(path, encoding="utf-8", opener=strangers_files.opener) as file:
            content = strangers_files.parse_json(file.read())
        (subject,) = content["subject"]
        definition = content["predicate"]["buildDefinition"]
        return subject["digest"]["sha256"], definition["externalParameters"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise errors.VerificationError(f"{path!r} cannot be read: {error!r}") from error
