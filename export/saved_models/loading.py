"""Loads SavedModels: the one place where the project lets TensorFlow run what others may have made.

Example:
    module = loading.load("exports/albert_en_large/1")

A SavedModel is a program: loading runs its initializers, and a call any op. So its graph is read
first, and what does more than compute is refused: see docs/explanation/safety.md. `trusting` is for
who knows better.
"""

import contextlib
import contextvars
import os
from collections.abc import Iterator, Sequence
from typing import Any

from configs import errors, strangers_files, tensorflow_paths
from export.checkpoints.readers import hub_saved_model
from export.saved_models import folder_audit, graph_audit

_MOST = 10  # problems in a message

_is_trusting = contextvars.ContextVar("is_trusting", default=False)


@contextlib.contextmanager
def trusting(trust: bool = True) -> Iterator[None]:
    """Within it SavedModels are loaded as they are; False for what holds without it."""
    token = _is_trusting.set(trust)
    try:
        yield
    finally:
        _is_trusting.reset(token)


def load(directory: str, *, tags: Sequence[str] | None = None) -> Any:
    """Returns what `hub.load` returns, or a clear error before anything of it runs.

    Args:
      directory: of the SavedModel.
      tags: of the graph to load; None for the usual ones.

    Raises:
      errors.CheckpointError: there is no graph to read, or TensorFlow would not find its variables.
      errors.UnsafeModelError: it does more than compute, or has files that are not its own.
    """
    import tensorflow_hub as hub

    audit(directory)
    return hub.load(directory, tags=tags)


def audit(directory: str) -> None:
    """Checks a SavedModel without running it; raises what `load` raises."""
    tensorflow_paths.check_source(directory, what="SavedModel")
    if _is_trusting.get():
        return
    path = os.path.join(directory, hub_saved_model.FILE)
    try:
        with open(path, "rb", opener=strangers_files.opener) as file:
            content = file.read()
    except OSError as error:
        raise errors.CheckpointError(
            f"{directory!r} cannot be loaded as a SavedModel: {errors.first_line(error)}"
        ) from error
    found = folder_audit.problems(directory) + graph_audit.problems(content, directory)
    _check(directory, found)


def audit_content(content: bytes, *, location: str) -> None:
    """Checks the graph in the bytes of a `saved_model.pb`; raises what `load` raises."""
    if not _is_trusting.get():
        _check(location, graph_audit.problems(content, location))


def _check(location: str, problems: list[str]) -> None:
    if problems:
        shown = problems[:_MOST]
        if len(problems) > _MOST:
            shown.append(f"and {len(problems) - _MOST} more")
        title = f"{location!r} is not loaded, as it may do more than compute (--trust loads it)"
        raise errors.UnsafeModelError(errors.listing(title, shown))
