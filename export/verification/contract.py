"""Checks that a SavedModel keeps TF Hub's contract for ALBERT encoders, preprocessors or embedders.

    findings = contract.check("exports/albert_en_large/1")
    [finding.law for finding in findings if finding.problem]

Any SavedModel can be checked, whoever made it. Each law is tried on the loaded object as a user
would use it; one that fails does not keep the others from being tried.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from configs import errors
from export.metadata import manifest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """What a law's trial found.

    Attributes:
      law: what must hold.
      problem: what does not; None if it holds.
    """

    law: str
    problem: str | None


@dataclasses.dataclass(frozen=True)
class Law:
    """Something that must hold.

    Attributes:
      text: what.
      trial: takes what `hub.load` returned and the directory; raises `Broken`, or anything that
        using the object raises.
    """

    text: str
    trial: Callable[[Any, str], None]


class Broken(Exception):  # noqa: N818, it is a finding and not an error of ours
    """A law does not hold; the message says how."""


def require(condition: object, problem: str) -> None:
    """Raises `Broken` unless the condition holds."""
    if not condition:
        raise Broken(problem)


def try_laws(laws: Sequence[Law], module: Any, directory: str) -> list[Finding]:
    """Returns a finding for every law."""
    findings = []
    for law in laws:
        problem = None
        try:
            law.trial(module, directory)
        except Broken as broken:
            problem = str(broken)
        except Exception as error:  # whatever somebody else's object raises when it is used
            lines = str(error).strip().splitlines() or [""]
            problem = f"{type(error).__name__}: {lines[0][:200]}"
        findings.append(Finding(law=law.text, problem=problem))
    return findings


def check(directory: str) -> tuple[str, list[Finding]]:
    """Tries the laws of the contract on a SavedModel.

    Args:
      directory: its directory.

    Returns:
      The kind of artifact, as manifests name it, and the findings.

    Raises:
      errors.CheckpointError: it cannot be loaded at all.
    """
    import tensorflow_hub as hub
    import tensorflow_text  # noqa: F401, registers the ops of preprocessors

    from export.verification import (
        embedder_checks,
        encoder_checks,
        preprocessor_checks,
    )

    try:
        module = hub.load(directory)
    except (
        Exception
    ) as error:  # TensorFlow's loader raises whatever a broken file makes it run into
        lines = str(error).strip().splitlines() or [""]
        raise errors.CheckpointError(
            f"{directory!r} cannot be loaded as a SavedModel: {type(error).__name__}: {lines[0]}"
        ) from error
    if hasattr(module, "tokenize") and hasattr(module, "trainable_variables"):
        return manifest.EMBEDDER, try_laws(embedder_checks.LAWS, module, directory)
    if hasattr(module, "tokenize") or hasattr(module, "bert_pack_inputs"):
        return manifest.PREPROCESSOR, try_laws(preprocessor_checks.LAWS, module, directory)
    laws = encoder_checks.laws(module, directory)
    return manifest.ENCODER, try_laws(laws, module, directory)
