"""Opens what can be converted: encoders, and text models for the formats that have them.

Example:
    opening.check("exports/my_classifier/1", chosen=formats.get("onnx"))
    source = opening.open("exports/my_classifier/1", chosen=formats.get("onnx"))
"""

from collections.abc import Mapping
from typing import Any

from configs import errors
from export.artifacts import text_model_spec
from export.conversion import formats
from export.conversion import source as sources
from export.conversion.text import text_source
from export.metadata import manifest

_TEXT = (manifest.TEXT_MODEL, manifest.EMBEDDER)


def check(directory: str, *, chosen: formats.Format) -> None:
    """Checks, without TensorFlow, that a directory is of an artifact that a format can have.

    Raises:
      errors.CheckpointError: it is not, or it is damaged.
      errors.InputError: a package that it needs is not installed, or the format does not have the
        task.
    """
    kinds = (manifest.ENCODER, *(_TEXT if chosen.text_tasks else ()))
    is_text = sources.check(directory, kinds=kinds) in _TEXT
    chosen.check_installed(for_text=is_text)
    if is_text:
        task = manifest.read(directory).get("task", text_model_spec.EMBED)
        check_task(directory, task, chosen=chosen)


def check_task(name: str, task: str, *, chosen: formats.Format) -> None:
    """Checks that a format has the task of a text model.

    Raises:
      errors.InputError: it does not; the message names the text model by `name`.
    """
    if task not in chosen.text_tasks:
        raise errors.InputError(
            f"{name!r} cannot be converted as a text model: its task is {task}, for which "
            f"--to {chosen.name} has no operators; it has those for {', '.join(chosen.text_tasks)}."
            f" {text_source.ADVICE}"
        )


def open(
    directory: str,
    *,
    chosen: formats.Format,
    config: str | None = None,
    recorded: Mapping[str, Any] | None = None,
) -> sources.Source:
    """Opens an artifact for a format; see `sources.open` and `text_source.open`."""
    if sources.check(directory, kinds=(manifest.ENCODER, *_TEXT)) not in _TEXT:
        return sources.open(directory, config=config, recorded=recorded)
    if config is not None:
        raise errors.InputError("--config is for encoders that have lost their manifest")
    return text_source.open(directory, encode=chosen.encode())
