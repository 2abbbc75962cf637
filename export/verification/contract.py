"""Checks that a SavedModel keeps TF Hub's contract for ALBERT encoders, preprocessors or embedders.

Example:
    findings = contract.run("exports/albert_en_large/1")
    [finding.check for finding in findings if finding.problem]

Any SavedModel can be checked, whoever made it. Each requirement is tried on the loaded object as
a user would use it.
"""

from configs import errors
from export.metadata import manifest
from export.verification import check


def run(directory: str) -> tuple[str, list[check.Finding]]:
    """Runs the checks of its kind on a SavedModel.

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
        raise errors.CheckpointError(
            f"{directory!r} cannot be loaded as a SavedModel: {errors.first_line(error)}"
        ) from error
    if hasattr(module, "tokenize") and hasattr(module, "trainable_variables"):
        return manifest.EMBEDDER, check.run_checks(embedder_checks.CHECKS, module, directory)
    if hasattr(module, "tokenize") or hasattr(module, "bert_pack_inputs"):
        return manifest.PREPROCESSOR, check.run_checks(
            preprocessor_checks.CHECKS, module, directory
        )
    checks = encoder_checks.checks(module, directory)
    return manifest.ENCODER, check.run_checks(checks, module, directory)
