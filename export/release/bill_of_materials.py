"""The bill of materials of a tarball in CycloneDX: what its provenance names, for scanners.

Example:
    bill_of_materials.make(statement)  # JSON

https://cyclonedx.org/docs/1.6/json/. Like the statement it has no times, and the same inputs give
the same bytes.
"""

import uuid
from collections.abc import Mapping
from typing import Any

_MODEL = "model"  # the reference of the tarball; those of components are their addresses or names


def make(statement: Mapping[str, Any]) -> str:
    """Returns the content of the file.

    Args:
      statement: of `provenance.make`.
    """
    from cyclonedx.model import bom as boms
    from cyclonedx.model import component as components
    from cyclonedx.output import json

    (subject,) = statement["subject"]
    definition = statement["predicate"]["buildDefinition"]
    model = components.Component(
        name=subject["name"],
        version=str(definition["externalParameters"]["version"]),
        type=components.ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=_MODEL,
        hashes=_hashes(subject["digest"]),
    )
    # The serial number is that of this content, instead of a random one.
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{subject['digest']['sha256']}")
    bom = boms.Bom(serial_number=number, metadata=boms.BomMetaData(component=model))
    bom.metadata.timestamp = None  # type: ignore[assignment]  # optional in the format
    parts = [_component(part) for part in definition["resolvedDependencies"]]
    bom.components.update(parts)
    bom.register_dependency(model, parts)
    return json.JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(part: Mapping[str, Any]) -> Any:
    """Returns the component of a resource descriptor: a package, a file, or the source code."""
    import packageurl
    from cyclonedx.model import component as components

    uri, digest = part.get("uri", ""), part.get("digest", {})
    if uri.startswith("pkg:"):
        purl = packageurl.PackageURL.from_string(uri)
        kind = components.ComponentType.LIBRARY
        return components.Component(
            name=purl.name, version=purl.version, type=kind, purl=purl, bom_ref=uri
        )
    if "gitCommit" in digest or part["name"] == "source":
        return components.Component(
            name=part["name"],
            version=digest.get("gitCommit"),
            type=components.ComponentType.APPLICATION,
            bom_ref=part["name"],
        )
    return components.Component(
        name=part["name"],
        type=components.ComponentType.DATA,
        bom_ref=part["name"],
        hashes=_hashes(digest),
    )


def _hashes(digest: Mapping[str, str]) -> list[Any]:
    from cyclonedx import model

    return [
        model.HashType(alg=model.HashAlgorithm.SHA_256, content=content)
        for name, content in digest.items()
        if name == "sha256"
    ]
