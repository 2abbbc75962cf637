"""Readers of what this project publishes: artifacts, lists of models, and releases.

Example:
    published.READERS
"""

import functools
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from configs import errors
from export.artifacts import embedder_spec, text_model_spec
from export.conversion import conversion
from export.conversion import source as sources
from export.metadata import checksums, manifest
from export.release import model_list, provenance, sha256sums, signing, tarball
from export.release.site import catalog
from tests.fuzzing.harness import Reader
from tests.support import processes, shared_run

_CLASSIFIER = ("export.encoder", "--config", "tiny", "--new_head", "classify")
_LABELS = ("--labels", "no,yes,maybe", "--model_name", "tiny_classifier")


def exported(folder: pathlib.Path, module: str, *arguments: object) -> None:
    """Copies what a command exports; in a test run that of other tests."""
    is_test_run = shared_run.PYTHON in os.environ
    make = processes.exported if is_test_run else functools.partial(_export, cwd=folder.parent)
    shutil.copytree(make(module, *arguments), folder, dirs_exist_ok=True)


def _export(module: str, *arguments: object, cwd: pathlib.Path) -> pathlib.Path:
    return processes.export(module, *arguments, cwd=cwd)


def _artifact(folder: pathlib.Path) -> None:
    exported(folder, *_CLASSIFIER, *_LABELS)


def _read_artifact(path: pathlib.Path) -> Mapping[str, Any]:
    """What every command asks first of an artifact with digests."""
    if not checksums.exists(str(path)):
        raise errors.VerificationError("no digests")
    problems = checksums.problems(str(path))
    if problems:
        raise errors.VerificationError("; ".join(problems))
    sources.check(str(path))
    return {"digest": checksums.digest(str(path))}


def _manifests(folder: pathlib.Path) -> None:
    """An encoder and a preprocessor without digests, and what was converted from the first."""
    for name, values in _MANIFESTS.items():
        (folder / name / "1" / "assets.extra").mkdir(parents=True)
        (folder / name / "1" / "saved_model.pb").write_bytes(b"")
        path = folder / name / "1" / manifest.FILE
        path.write_text(json.dumps(values))


_TOKENIZER = {
    "tokenizer": {"file": "30k-clean.model", "sha256": "0" * 64},
    "tokenization": "hub",
    "lower_case": True,
    "keep_accents": False,
}
_ENCODER = {
    "artifact": "encoder",
    "config": {"hidden_size": 32, "max_position_embeddings": 512},
    "compute_dtype": "float32",
    "default": "pooled_output",
    "heads": ["classify"],
    "labels": {"classify": ["no", "yes"]},
    "weights": {"format": "tf1", "files": {"model.index": "0" * 64}, "untrained_heads": []},
    "toolchain": {"tensorflow": "2.21.0"},
    **_TOKENIZER,
}
_PREPROCESSOR = {"artifact": "preprocessor", "toolchain": {}, **_TOKENIZER}
_MANIFESTS: Mapping[str, Mapping[str, Any]] = {
    "encoder": _ENCODER,
    "preprocessor": _PREPROCESSOR,
    "encoder-onnx": {
        "artifact": "conversion",
        "format": "onnx",
        "quantize": "none",
        "min_cosine": 0.99,
        "signatures": {"serving_default": {}},
        "source_sha256": "0" * 64,
        "made_from": _ENCODER,
        "config": _ENCODER["config"],
    },
}


def _read_manifests(path: pathlib.Path) -> Mapping[str, Any]:
    encoder, preprocessor = str(path / "encoder" / "1"), str(path / "preprocessor" / "1")
    kind = sources.check(encoder, kinds=(manifest.ENCODER,))
    embedder = embedder_spec.EmbedderSpec(
        encoder_dir=encoder, preprocessor_dir=preprocessor, pooling="mean", normalize=True
    )
    content = manifest.read(encoder)
    text = text_model_spec.TextModelSpec(
        encoder_dir=encoder, preprocessor_dir=preprocessor, request=text_model_spec.Request()
    )
    try:
        conversion.verify(str(path / "encoder-onnx" / "1"), source=None)
    except errors.CheckpointError as error:  # there are no digests by which to find the source
        if "is not beside it" not in str(error):
            raise
    return {
        "kind": kind,
        "length": embedder.length,
        "notices": embedder.belonging.notices,
        "task": text.plan.task,
        "content": json.dumps(content),
        "conversion": json.dumps(manifest.read(str(path / "encoder-onnx" / "1"))),
    }


def _models(folder: pathlib.Path) -> None:
    (folder / "weights").mkdir()
    values = {
        "models": [
            {"name": "a", "kind": "encoder", "version": 1, "config": "tiny", "formats": ["onnx"]},
            {"name": "p", "kind": "preprocessor", "version": 2, "options": {"lower_case": True}},
            {
                **{"name": "e", "kind": "embedder", "version": 1, "encoder": "a/1"},
                **{"preprocessor": "p/2", "options": {"max_seq_length": 64, "pooling": "mean"}},
            },
        ]
    }
    (folder / "models.json").write_text(json.dumps(values))


def _read_models(path: pathlib.Path) -> Mapping[str, Any]:
    return {"models": [repr(model) for model in model_list.read(str(path / "models.json"))]}


def _release(folder: pathlib.Path) -> None:
    """A release of one artifact, with pages' facts, a statement, digests and a signature."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    version = folder / "publisher" / "m"
    version.mkdir(parents=True)
    artifact = folder.parent / "artifact"
    for name, content in (("saved_model.pb", b"x"), ("variables/variables.index", b"y" * 999)):
        (artifact / name).parent.mkdir(parents=True, exist_ok=True)
        (artifact / name).write_bytes(content)
    (artifact / "assets.extra").mkdir()
    (artifact / manifest.FILE).write_text(json.dumps(_ENCODER))
    checksums.write(str(artifact))
    tarball.write(str(artifact), str(version / "1.tar.gz"))
    digest = checksums.sha256(str(version / "1.tar.gz"))
    definition = {"externalParameters": {"name": "m", "version": 1}}
    statement = {
        "subject": [{"name": "publisher/m/1.tar.gz", "digest": {"sha256": digest}}],
        "predicate": {"buildDefinition": definition},
    }
    (version / "1.intoto.json").write_text(json.dumps(statement))
    (folder / sha256sums.FILE).write_text(f"{digest}  publisher/m/1.tar.gz\n")
    private = ec.generate_private_key(ec.SECP256R1())
    (folder / "key.pem").write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    signing.Key(str(folder / "key.pem")).sign(str(version / "1.tar.gz"), str(version / "1.sig"))


def _read_catalog(path: pathlib.Path) -> Mapping[str, Any]:
    found = catalog.read(str(path))
    return {
        "models": [
            [model.handle, model.sha256, json.dumps(model.manifest), model.content_sha256]
            for model in (*found.models, *found.conversions)
        ]
    }


def _read_tarball(path: pathlib.Path) -> Mapping[str, Any]:
    tarball.unpack(str(path / "publisher" / "m" / "1.tar.gz"), str(path.parent / "unpacked"))
    inside = processes.contents(path.parent / "unpacked")
    return {name: hashlib.sha256(content).hexdigest() for name, content in inside.items()}


def _read_statement(path: pathlib.Path) -> Mapping[str, Any]:
    digest, parameters = provenance.load(str(path / "publisher" / "m" / "1.intoto.json"))
    former = sha256sums.read(str(path))
    sha256sums.check(str(path), former=former)
    return {"digest": digest, "parameters": json.dumps(parameters), "former": repr(former)}


def _read_signature(path: pathlib.Path) -> Mapping[str, Any]:
    version = path / "publisher" / "m"
    key = signing.Key(str(path / "key.pem"))
    if not key.has_signed(str(version / "1.tar.gz"), str(version / "1.sig")):
        raise errors.VerificationError("not signed")
    return {"signed": True}


READERS = (
    Reader(name="artifact", make=_artifact, read=_read_artifact),
    Reader(
        name="manifests",
        make=_manifests,
        read=_read_manifests,
        files=("*.json",),
        others="anything",
    ),
    Reader(
        name="models_json",
        make=_models,
        read=_read_models,
        files=("*.json",),
        others="anything",
    ),
    Reader(
        name="catalog",
        make=_release,
        read=_read_catalog,
        files=("*.tar.gz",),
        others="anything",
    ),
    Reader(
        name="tarball",
        make=_release,
        read=_read_tarball,
        files=("*.tar.gz",),
        others="anything",
    ),
    Reader(
        name="statement",
        make=_release,
        read=_read_statement,
        files=("*.intoto.json", "SHA256SUMS"),
        others="anything",
    ),
    Reader(
        name="signature",
        make=_release,
        read=_read_signature,
        files=("*.sig", "*.tar.gz", "key.pem"),
    ),
)
