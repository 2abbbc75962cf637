"""What became of the models of a release, and the table of it.

outcomes.print_table([outcome])
"""

import dataclasses
import os
from collections.abc import Sequence

from rich import table

from export.release import console, model_list, paths

RELEASED = "released"
KEPT = "kept"
FAILED = "failed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a model.

    Attributes:
      model: the model.
      place: where its files are.
      state: `RELEASED`, `KEPT` (it was complete) or `FAILED`.
      digest: sha256 of the tarball; None where it failed.
      problem: why it failed; None where it did not.
    """

    model: model_list.Model
    place: paths.Place
    state: str
    digest: str | None = None
    problem: str | None = None


def print_table(outcomes: Sequence[Outcome]) -> None:
    """Writes a table of all models to stderr."""
    summary = table.Table("model", "kind", "result", "bytes", "sha256 of the tarball, or problem")
    summary.columns[3].justify = "right"
    for outcome in outcomes:
        size = "" if outcome.problem else f"{os.path.getsize(outcome.place.tarball):,}"
        last = outcome.problem or outcome.digest
        summary.add_row(str(outcome.model), outcome.model.kind, outcome.state, size, last)
    console.stderr().print(summary, markup=False, highlight=False)
