"""The results of a release, and their table.

Example:
    results.print_table([result])
"""

import dataclasses
import os
import sys
from collections.abc import Sequence

from rich import table

from export.cli import console
from export.release import model_list, paths

RELEASED = "released"
KEPT = "kept"
FAILED = "failed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """The result of a model.

    Attributes:
      model: the model.
      version_paths: the paths of its files.
      state: `RELEASED`, `KEPT` (it was complete before) or `FAILED`.
      digest: sha256 of the tarball; None if the model failed.
      problem: why the model failed; None if it did not.
    """

    model: model_list.ModelSpec
    version_paths: paths.VersionPaths
    state: str
    digest: str | None = None
    problem: str | None = None


def print_table(results: Sequence[Result]) -> None:
    """Writes a table of all models to stderr."""
    summary = table.Table("model", "kind", "result", "bytes", "sha256 of the tarball, or problem")
    summary.columns[3].justify = "right"
    for result in results:
        size = "" if result.problem else f"{os.path.getsize(result.version_paths.tarball):,}"
        last = result.problem or result.digest
        summary.add_row(str(result.model), result.model.kind, result.state, size, last)
    console.for_stream(sys.stderr).print(summary)
