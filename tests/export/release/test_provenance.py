"""in-toto's and SLSA's own protocol buffers read the statement, which names the inputs."""

import dataclasses
import json
import re
import subprocess
from importlib import metadata

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement as intoto
from in_toto_attestation.v1 import statement_pb2

from configs import errors
from export.release import model_list, provenance, toolchain
from tests.support import processes

MODEL = model_list.ModelSpec(
    name="albert", version=3, kind="encoder", sources={}, options={"mlm": False, "seed": 1}
)
INPUTS = {"config": {"hidden_size": 8, "layer_norm_eps": 1e-12}}
MANIFEST = {
    "toolchain": {"tensorflow": "2.21.0"},
    "tokenizer": {"file": "30k-clean.model", "sha256": "b" * 64},
    "weights": {
        "files": {"model.safetensors": "c" * 64},
        "repository": "org/name@0123",
        "source": "checkpoint",
    },
}
MADE_WITH = toolchain.Toolchain(
    source_uri="git+https://example.org/project",
    commit="d" * 40,
    modified=False,
    packages=(("numpy", "2.0"), ("tensorflow", "2.21.0")),
)


def statement(made_with=MADE_WITH, **changes):
    arguments = {"inputs": INPUTS, "manifest": MANIFEST} | changes
    return provenance.make(
        MODEL, subject="org/albert/3.tar.gz", digest="a" * 64, made_with=made_with, **arguments
    )


def _dependencies(stated):
    definition = stated["predicate"]["buildDefinition"]
    return {entry["name"]: entry for entry in definition["resolvedDependencies"]}


def parsed(text):
    """Returns a statement and its predicate as the published protocol buffers."""
    parsed = json_format.Parse(text, statement_pb2.Statement())
    intoto.Statement.copy_from_pb(parsed).validate()
    predicate = json_format.MessageToDict(parsed.predicate)
    return parsed, json_format.ParseDict(predicate, provenance_pb2.Provenance())


def test_the_published_protocol_buffers_read_it():
    stated, predicate = parsed(provenance.dump(statement()))
    assert stated.predicate_type == "https://slsa.dev/provenance/v1"
    (subject,) = stated.subject
    assert (subject.name, dict(subject.digest)) == ("org/albert/3.tar.gz", {"sha256": "a" * 64})
    definition = predicate.build_definition
    # SLSA requires these; a type is a URI.
    assert re.match(r"[a-z]+:", definition.build_type)
    assert re.match(r"[a-z]+:", predicate.run_details.builder.id)
    assert json_format.MessageToDict(definition.external_parameters) == {
        "name": "albert",
        "version": 3,
        "kind": "encoder",
        "options": {"mlm": False, "seed": 1},
        **INPUTS,
    }
    assert len(definition.resolved_dependencies) == 5


def test_it_names_commit_checkpoint_tokenizer_and_packages():
    found = _dependencies(statement())
    assert found["source"]["digest"] == {"gitCommit": "d" * 40}
    assert found["source"]["uri"] == "git+https://example.org/project"
    assert found["checkpoint/model.safetensors"] == {
        "name": "checkpoint/model.safetensors",
        "uri": "hf://org/name@0123",
        "digest": {"sha256": "c" * 64},
    }
    assert found["tokenizer/30k-clean.model"]["digest"] == {"sha256": "b" * 64}
    assert found["tensorflow"]["uri"] == "pkg:pypi/tensorflow@2.21.0"


def test_an_embedder_names_the_tarballs_it_is_made_of():
    part = {"model": "albert/3", "sha256": "e" * 64}
    manifest = {"toolchain": {}}
    found = _dependencies(statement(inputs={"encoder": part}, manifest=manifest))
    assert found["albert/3.tar.gz"]["digest"] == {"sha256": "e" * 64}


def test_it_says_where_the_source_is_not_a_commit():
    modified = dataclasses.replace(MADE_WITH, modified=True)
    assert _dependencies(statement(modified))["source"]["annotations"] == {"modified": True}
    unknown = dataclasses.replace(MADE_WITH, commit=None, source_uri=None)
    source = _dependencies(statement(unknown))["source"]
    assert source == {"name": "source", "annotations": {"commit": "unknown"}}


def test_it_is_read_back(tmp_path):
    path = tmp_path / "3.intoto.json"
    path.write_text(provenance.dump(statement()))
    assert provenance.load(str(path)) == ("a" * 64, provenance.parameters(MODEL, INPUTS))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"subject": [1, 2]}', '{"subject": [{}]}'])
def test_what_is_not_a_statement_is_refused(tmp_path, text):
    path = tmp_path / "3.intoto.json"
    path.write_text(text)
    with pytest.raises(errors.VerificationError, match="cannot be read"):
        provenance.load(str(path))


def test_the_toolchain_is_the_checkouts_commit_and_all_that_is_installed():
    found = toolchain.find(source_uri=None)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=processes.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if head.returncode:
        assert found.commit is None
        pytest.skip(f"the checkout is not a git repository: {head.stderr.strip()}")
    assert found.commit == head.stdout.strip()
    packages = dict(found.packages)
    assert packages["tensorflow"] == metadata.version("tensorflow")
    assert packages["tf-keras"] == metadata.version("tf_keras")
    assert "albert-hub-export" not in packages
    assert list(packages) == sorted(packages)


def test_a_copy_within_another_repository_is_not_that_repositorys_commit(tmp_path):
    package = tmp_path / "site-packages"
    for name in ("configs", "export"):
        for path in (processes.REPOSITORY / name).rglob("*.py"):
            copy = package / path.relative_to(processes.REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "other").touch()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for arguments in (["init", "--quiet"], ["add", "other"], ["commit", "--quiet", "-m", "x"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    done = processes.python(
        "-c",
        "from export.release import toolchain; found = toolchain.find(source_uri=None)\n"
        "import json; print(json.dumps([toolchain.__file__, found.commit, found.modified]))",
        cwd=package,
        env=processes.environment() | {"PYTHONPATH": str(package)},
    )
    assert done.returncode == 0, done.stderr
    file, commit, modified = json.loads(done.stdout)
    assert file.startswith(str(package))
    assert (commit, modified) == (None, False)
