"""The in-toto statement of a tarball: SLSA provenance, from the manifest of what is in it.

Example:
    statement.make(model, subject="tensorflow/albert_en_large/3.tar.gz", digest=sha256,
                   inputs=inputs, manifest=manifest, made_with=toolchain)

https://in-toto.io/Statement/v1 and https://slsa.dev/provenance/v1. It holds no time and no path of
the machine, so that the same inputs give the same bytes.
"""

import json
import platform
from collections.abc import Iterator, Mapping
from typing import Any

import configs
from configs import errors
from export.release import model_list, toolchain

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
# What the parameters mean: a model of `models.json`, with its sources by content.
BUILD_TYPE = "urn:albert-hub-export:release:v1"
_BUILDER = "urn:albert-hub-export:export.release"


def make(
    model: model_list.Model,
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
      digest: its sha256.
      inputs: of the model; see `inputs.of`.
      manifest: of the artifact in the tarball.
      made_with: the commit and the packages.
    """
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
                    *(
                        {"name": name, "uri": f"pkg:pypi/{name}@{version}"}
                        for name, version in made_with.packages
                    ),
                ],
            },
            "runDetails": {
                "builder": {
                    "id": _BUILDER,
                    "version": {
                        "albert-hub-export": configs.__version__,
                        "python": platform.python_version(),
                    },
                }
            },
        },
    }


def parameters(model: model_list.Model, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what must not change under a version: the model and its inputs."""
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
    """Yields the files that a model was made from."""
    weights = manifest.get("weights", {})
    repository = weights.get("repository")
    for name, digest in sorted(weights.get("files", {}).items()):
        descriptor = {"name": f"checkpoint/{name}", "digest": {"sha256": digest}}
        if repository:
            descriptor["uri"] = f"hf://{repository}"
        yield descriptor
    tokenizer = manifest.get("tokenizer")
    if tokenizer:
        yield {"name": f"tokenizer/{tokenizer['file']}", "digest": {"sha256": tokenizer["sha256"]}}
    for part in ("encoder", "preprocessor"):
        if part in inputs:
            yield {
                "name": f"{inputs[part]['model']}.tar.gz",
                "digest": {"sha256": inputs[part]["sha256"]},
            }


def dump(statement: Mapping[str, Any]) -> str:
    """Returns the statement as it is written to its file."""
    return json.dumps(statement, indent=2, sort_keys=True) + "\n"


def load(path: str) -> tuple[str, dict[str, Any]]:
    """Reads a statement that `dump` wrote.

    Returns:
      The sha256 of its tarball, and its `parameters`.

    Raises:
      errors.VerificationError: it is damaged, or no such statement.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        (subject,) = content["subject"]
        return (
            subject["digest"]["sha256"],
            content["predicate"]["buildDefinition"]["externalParameters"],
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise errors.VerificationError(f"{path!r} cannot be read: {error!r}") from error
