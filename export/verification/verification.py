"""One verification of a SavedModel, with and without the checkpoint that it came from.

result = verification.verify("exports/albert_en_large/1", source=source, config=None)
result.problems
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

from rich import console

from configs import albert_config, errors
from export.checkpoints import checkpoint_config, lazy_checkpoint
from export.checkpoints.readers import hub_saved_model
from export.metadata import manifest
from export.saved_models import loading
from export.verification import (
    check,
    comparison,
    contract,
    reference,
    report,
    text_model_comparison,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found.

    Attributes:
      findings: of the contract.
      comparison: with the checkpoint; None if there was none.
    """

    findings: tuple[check.Finding, ...]
    comparison: comparison.Comparison | None

    @property
    def problems(self) -> list[str]:
        """What does not hold, in a few words each; empty if everything does."""
        problems = [f"failed: {f.check} ({f.problem})" for f in self.findings if f.problem]
        if self.comparison is not None:
            wrong = report.weight_problems(self.comparison)
            problems += [f"weights: {problem}" for problem in wrong]
            texts = self.comparison.texts
            if texts is not None and texts.other:
                problems.append(f"another answer for {texts.other} of {texts.count} texts")
            problems += [
                f"{row.output} differs by {row.difference:.1e}, more than {row.tolerance:.1e}"
                for row in self.comparison.rows
                if not row.passed
            ]
        return problems

    def results(self) -> dict[str, Any]:
        """Returns what was found as JSON values. Differences have two digits."""
        results: dict[str, Any] = {
            "checks": [finding.check for finding in self.findings],
            "problems": self.problems,
        }
        if self.comparison is not None:
            results |= self.comparison.results()
        return results

    def show(self, stream: console.Console) -> None:
        """Writes everything."""
        report.show(stream, findings=self.findings, compared=self.comparison)

    def page(self, *, title: str) -> str:
        """Returns everything as a page of HTML."""
        return report.page(title, findings=self.findings, compared=self.comparison)


def verify(
    artifact: str,
    *,
    checkpoint: lazy_checkpoint.Checkpoint | None,
    config: str | None,
    texts: str | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> Verification:
    """Verifies the SavedModel in a directory.

    Args:
      artifact: the directory.
      checkpoint: the checkpoint to compare with; None to check the contract alone.
      config: the checkpoint's config, a size or a path; None for the one that comes with it, or
        else with the artifact.
      texts: for a text model, a file of texts to compare on; None for a built-in set.
      log: called with what begins, because each takes a while.

    Raises:
      errors.CheckpointError: one of the two cannot be read, or there is nothing to compare.
      errors.CheckpointMismatchError: the checkpoint does not fit the config.
      errors.ConfigError: no config, or contradictory ones.
      errors.UnsafeModelError: a SavedModel may do more than compute.
    """
    run_too = None if checkpoint is None else reference.saved_model(checkpoint)
    if run_too is not None:
        loading.audit(run_too)  # before the checks, which take longer
    log("checking the contract")
    kind, findings = contract.run(artifact)
    if checkpoint is None:
        return Verification(findings=tuple(findings), comparison=None)
    if texts is not None and kind != manifest.TEXT_MODEL:
        raise errors.InputError(f"--texts is for text models; {artifact!r} is a {kind}")
    if kind not in (manifest.ENCODER, manifest.TEXT_MODEL):
        raise errors.CheckpointError(f"{artifact!r} is a {kind}: it has no weights to compare")
    if checkpoint.config_values is None and config not in albert_config.SIZES:
        values, config_file = (
            (albert_config.read_file(config), config)
            if config is not None
            else _config(artifact, kind)
        )
        checkpoint = dataclasses.replace(checkpoint, config_values=values, config_file=config_file)
    resolved = checkpoint_config.resolve(checkpoint, config)
    log(f"comparing with {checkpoint.location}")
    if kind == manifest.TEXT_MODEL:
        result = text_model_comparison.compare(
            artifact, checkpoint=checkpoint, config=resolved, texts=texts
        )
    else:
        result = comparison.compare(artifact, checkpoint=checkpoint, config=resolved)
    return Verification(findings=tuple(findings), comparison=result)


def _config(artifact: str, kind: str) -> tuple[Mapping[str, Any] | None, str | None]:
    """Returns the config that an artifact records, and its file; None and None without one."""
    if kind == manifest.ENCODER:
        return hub_saved_model.config(artifact)
    made_from = manifest.read(artifact).get("made_from", {})
    values = made_from.get(manifest.ENCODER, {}).get("config")
    return values, None if values is None else os.path.join(artifact, manifest.FILE)
