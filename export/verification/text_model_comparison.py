"""Compares a text model with the checkpoint it came from: every weight, and the answers to texts.

Example:
    result = text_model_comparison.compare(
        "exports/my_text/1", checkpoint=checkpoint, config=config, texts=None
    )
    result.texts.other
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import albert_config, errors, head_config, hub_api
from configs.pooling import Pooling
from export.artifacts import text_model_spec
from export.checkpoints import lazy_checkpoint, restore
from export.checkpoints.readers import sentence_transformers
from export.metadata import manifest
from export.saved_models import loading
from export.verification import (
    comparison,
    source_tokens,
    text_inputs,
    text_reference,
    text_results,
    text_settings,
    tolerances,
)

_BATCH = 16
_SHOWN = 70  # characters of a text or a value
_SCORES = (hub_api.SCORES, hub_api.SCORE)


def compare(
    artifact: str,
    *,
    checkpoint: lazy_checkpoint.Checkpoint,
    config: albert_config.AlbertConfig,
    texts: str | None,
) -> comparison.Comparison:
    """Compares the text model in a directory with a checkpoint.

    Args:
      artifact: directory of a text model.
      checkpoint: the checkpoint.
      config: its hyper-parameters.
      texts: a file of texts, see `text_inputs.read`; None for the built-in set.

    Raises:
      errors.CheckpointError: the artifact has no manifest, or the checkpoint not its head.
      errors.CheckpointMismatchError: the checkpoint does not fit the config.
      errors.InputError: the file of texts cannot be used.
    """

    entries = manifest.read(artifact)
    if "made_from" not in entries:
        raise errors.CheckpointError(
            f"{artifact!r} has no manifest of a text model, which says how it was made"
        )
    module = loading.load(artifact)
    return compare_loaded(
        module, entries=entries, checkpoint=checkpoint, config=config, texts=texts
    )


def compare_loaded(
    module: Any,
    *,
    entries: Mapping[str, Any],
    checkpoint: lazy_checkpoint.Checkpoint,
    config: albert_config.AlbertConfig,
    texts: str | None,
) -> comparison.Comparison:
    """Compares a loaded text model, whose manifest has the entries; as `compare`."""
    reference = open_reference(checkpoint, module=module, entries=entries, config=config)
    inputs = _inputs(texts, reference.settings)
    weights = _weights(module, reference.tensors)
    if weights.is_other_model:
        return weights
    expected = [reference.result(text) for text in inputs]
    found = text_results.of(module, inputs, task=reference.settings.task, batch=_BATCH)
    rows, differences = _compared(inputs, expected, found, reference.engine, entries)
    return dataclasses.replace(weights, rows=rows, texts=differences)


def open_reference(
    checkpoint: lazy_checkpoint.Checkpoint,
    *,
    module: Any,
    entries: Mapping[str, Any],
    config: albert_config.AlbertConfig,
) -> text_reference.TextReference:
    """Returns what computes from the checkpoint what a text model with such a manifest gives.

    Args:
      checkpoint: the checkpoint.
      module: the loaded text model, for its tokens where there is no library for them.
      entries: its manifest.
      config: the checkpoint's hyper-parameters.
    """
    head = _head(checkpoint, entries)
    pooling = _pooling(checkpoint, entries)
    tensors = restore.read(checkpoint, config=config, heads=[head] if head else [])
    for number, layer in enumerate(pooling.dense):
        tensors |= {f"dense_{number}/kernel": layer.kernel, f"dense_{number}/bias": layer.bias}
    return text_reference.TextReference(
        checkpoint,
        tensors=tensors,
        config=config,
        settings=text_settings.read(entries, head=head, pooling=pooling),
        tokens=source_tokens.of(checkpoint, module=module, entries=entries),
    )


def _head(
    checkpoint: lazy_checkpoint.Checkpoint, entries: Mapping[str, Any]
) -> head_config.HeadConfig | None:
    """Returns the head of the task; None for a task that needs none of a fine-tuned model."""
    task = entries["task"]
    if task == text_model_spec.FILL_MASK and not restore.has_mlm_head(checkpoint):
        raise errors.CheckpointError(f"{checkpoint.location!r} has no head for {task}")
    if task in (text_model_spec.FILL_MASK, text_model_spec.EMBED):
        return None
    head = head_config.by_kind(checkpoint.heads).get(task)
    if head is None:
        raise errors.CheckpointError(
            f"{checkpoint.location!r} has no head for {task}, which the text model was made with"
        )
    return head


def _pooling(checkpoint: lazy_checkpoint.Checkpoint, entries: Mapping[str, Any]) -> Pooling:
    """Returns what the manifest records, with what only the checkpoint's folder has."""
    if entries["task"] != text_model_spec.EMBED:
        return Pooling()
    recipe = sentence_transformers.beside(checkpoint.directories)
    found = (recipe.pooling if recipe is not None else None) or Pooling()
    dense = found.dense if "dense" in entries else ()
    if len(dense) != len(entries.get("dense", ())):
        raise errors.CheckpointError(
            f"{checkpoint.location!r} has {len(dense)} dense layers, the text model "
            f"{len(entries['dense'])}"
        )
    return dataclasses.replace(
        found,
        modes=tuple(entries["pooling"].split("+")),
        normalize=entries["normalize"],
        prompt=entries.get("prompt", ""),
        dense=dense,
    )


def _inputs(path: str | None, settings: text_settings.Settings) -> tuple[text_inputs.Text, ...]:
    if path is None:
        return text_inputs.built_in(settings.task, mask=settings.mask)
    return text_inputs.read(path, task=settings.task, mask=settings.mask)


def _weights(module: Any, tensors: Mapping[str, np.ndarray]) -> comparison.Comparison:
    """Compares the variables with the checkpoint's tensors, bit by bit."""
    problems = []
    variables = {v.name.removesuffix(":0"): v.numpy() for v in module.variables}
    for name, value in variables.items():
        wanted = tensors.get(name)
        if wanted is None:
            problems.append(f"{name} is not in the checkpoint")
        elif wanted.shape != value.shape:
            problems.append(f"{name} has shape {list(value.shape)}, not {list(wanted.shape)}")
        elif wanted.tobytes() != value.tobytes():
            problems.append(f"{name} differs by up to {np.abs(value - wanted).max():.1e}")
    return comparison.Comparison(rows=(), weights=len(variables), weight_problems=tuple(problems))


def _compared(
    inputs: Sequence[text_inputs.Text],
    expected: Sequence[text_reference.Result],
    found: Sequence[text_reference.Result],
    engine: str,
    entries: Mapping[str, Any],
) -> tuple[tuple[comparison.Row, ...], comparison.Texts]:
    """Returns of each output the row of the text that is farthest off, and what texts differ."""
    of_logits, of_scores = tolerances.of_text_model(entries)
    is_raw = entries.get("problem_type") == head_config.REGRESSION
    units = {name: of_logits for name in (hub_api.LOGITS, *(_SCORES if is_raw else ()))}
    rows: dict[str, comparison.Row] = {}
    other, ties, differing = 0, 0, []
    for text, right, got in zip(inputs, expected, found, strict=True):
        reasons = _other_choices(text, right.choices, got.choices)
        is_tie = right.margin <= 2 * of_logits and hub_api.TRUNCATED not in reasons
        ties += bool(reasons) and is_tie
        if reasons and is_tie:
            continue
        other += bool(reasons)
        for name, value in right.numbers.items():
            array = got.numbers[name]
            if reasons and array.shape != value.shape:
                continue  # of as many entities as there are
            row = comparison.row(
                name, engine=engine, got=array, right=value, unit=units.get(name, of_scores)
            )
            if not row.passed:
                reasons[name] = f"{name} differs by {row.difference:.1e}"
            if name not in rows or row.share > rows[name].share:
                rows[name] = row
        if reasons:
            differing.append(f"{str(text)[:_SHOWN]!r}: {'; '.join(reasons.values())}")
    texts = comparison.Texts(
        engine=engine, count=len(inputs), other=other, ties=ties, differing=tuple(differing)
    )
    return tuple(rows.values()), texts


def _other_choices(
    text: text_inputs.Text, expected: Mapping[str, Any], got: Mapping[str, Any]
) -> dict[str, str]:
    """Returns, by name, how the choices of a text model are others than expected."""
    wanted, found = (text_results.comparable(text, choices) for choices in (expected, got))
    return {
        name: f"{name} is {_shown(found[name])}, not {_shown(value)}"
        for name, value in wanted.items()
        if found[name] != value
    }


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
