"""Checks that a SavedModel keeps the contract of its kind: TF Hub's, or that of text models.

Example:
    kind, findings = contract.run("exports/albert_en_large/1")
    [finding.check for finding in findings if finding.problem]

The SavedModel may come from any exporter. Each check uses the loaded object as a user would.
"""

from collections.abc import Sequence

from configs import errors
from export.metadata import manifest
from export.saved_models import loading
from export.verification import check


def run(directory: str) -> tuple[str, list[check.Finding]]:
    """Detects the kind of a SavedModel and runs the checks of that kind.

    Args:
      directory: the SavedModel.

    Returns:
      The kind of artifact, as manifests name it, and the findings.

    Raises:
      errors.CheckpointError: TensorFlow cannot load the SavedModel.
      errors.UnsafeModelError: it may do more than compute.
    """
    import tensorflow_text  # noqa: F401, registers the ops of preprocessors

    from export.verification import (
        embedder_checks,
        encoder_checks,
        preprocessor_checks,
        text_model_checks,
    )

    try:
        module = loading.load(directory)
    except errors.InputError:
        raise
    except Exception as error:  # TensorFlow raises any exception on a broken file
        raise errors.CheckpointError(
            f"{directory!r} cannot be loaded as a SavedModel: {errors.first_line(error)}"
        ) from error
    checks: Sequence[check.Check]
    if hasattr(module, "task"):
        kind, checks = manifest.TEXT_MODEL, text_model_checks.CHECKS
    elif hasattr(module, "tokenize") and hasattr(module, "trainable_variables"):
        kind, checks = manifest.EMBEDDER, embedder_checks.CHECKS
    elif hasattr(module, "tokenize") or hasattr(module, "bert_pack_inputs"):
        kind, checks = manifest.PREPROCESSOR, preprocessor_checks.CHECKS
    else:
        kind, checks = manifest.ENCODER, encoder_checks.checks(module, directory)
    return kind, check.run_checks(checks, module, directory)
