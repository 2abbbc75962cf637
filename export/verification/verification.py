"""One verification of a SavedModel, with and without the checkpoint that it came from.

result = verification.verify("exports/albert_en_large/1", source=source, config=None)
result.problems
"""

import dataclasses

from rich import console

from configs import albert_config, errors
from export.artifacts import encoder_spec
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import hub_saved_model
from export.metadata import manifest
from export.verification import check, comparison, contract, report


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
            problems += [f"weights: {problem}" for problem in self.comparison.weight_problems]
            problems += [
                f"{row.output} differs by {row.difference:.1e}, more than {row.tolerance:.1e}"
                for row in self.comparison.rows
                if not row.passed
            ]
        return problems

    def show(self, stream: console.Console) -> None:
        """Writes everything."""
        report.show(stream, findings=self.findings, compared=self.comparison)

    def page(self, *, title: str) -> str:
        """Returns everything as a page of HTML."""
        return report.page(title, findings=self.findings, compared=self.comparison)


def verify(
    artifact: str, *, checkpoint: lazy_checkpoint.Checkpoint | None, config: str | None
) -> Verification:
    """Verifies the SavedModel in a directory.

    Args:
      artifact: the directory.
      checkpoint: the checkpoint to compare with; None to check the contract alone.
      config: the checkpoint's config, a size or a path; None for the one that comes with it, or
        else with the artifact.

    Raises:
      errors.CheckpointError: one of the two cannot be read, or there is nothing to compare.
      errors.CheckpointMismatchError: the checkpoint does not fit the config.
      errors.ConfigError: no config, or contradictory ones.
    """
    kind, findings = contract.run(artifact)
    if checkpoint is None:
        return Verification(findings=tuple(findings), comparison=None)
    if kind != manifest.ENCODER:
        raise errors.CheckpointError(f"{artifact!r} is a {kind}: it has no weights to compare")
    given = albert_config.load(config) if config else None
    if given is None and checkpoint.config is None:
        given, _ = hub_saved_model.config(artifact)
    result = comparison.compare(
        artifact, checkpoint=checkpoint, config=encoder_spec.resolved_config(checkpoint, given)
    )
    return Verification(findings=tuple(findings), comparison=result)
