"""CycloneDX's own schema accepts the bill of materials, which names what the statement does."""

import json

import pytest

from export.release import bill_of_materials
from tests.export.release import test_provenance


@pytest.fixture(scope="module")
def validator():
    """Returns CycloneDX's own, which takes seconds to import: every worker collects this module."""
    from cyclonedx import schema
    from cyclonedx.validation import json as validation

    return validation.JsonStrictValidator(schema.SchemaVersion.V1_6)


def test_it_is_valid_and_names_packages_weights_tokenizer_and_source(validator):
    text = bill_of_materials.make(test_provenance.statement())
    assert validator.validate_str(text) is None
    found = json.loads(text)
    model = found["metadata"]["component"]
    assert (model["name"], model["version"]) == ("org/albert/3.tar.gz", "3")
    assert model["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    parts = {part["bom-ref"]: part for part in found["components"]}
    assert set(parts) == {
        "source",
        "checkpoint/model.safetensors",
        "tokenizer/30k-clean.model",
        "pkg:pypi/numpy@2.0",
        "pkg:pypi/tensorflow@2.21.0",
    }
    assert parts["source"]["version"] == "d" * 40
    assert parts["pkg:pypi/numpy@2.0"]["purl"] == "pkg:pypi/numpy@2.0"
    weights = parts["checkpoint/model.safetensors"]
    assert weights["hashes"] == [{"alg": "SHA-256", "content": "c" * 64}]
    (depends,) = [one for one in found["dependencies"] if one["ref"] == "model"]
    assert set(depends["dependsOn"]) == set(parts)


def test_the_same_statement_gives_the_same_bytes():
    statement = test_provenance.statement()
    assert bill_of_materials.make(statement) == bill_of_materials.make(statement)
