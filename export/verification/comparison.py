"""Compares an artifact with the checkpoint it came from: every weight, every output, every layer.

result = comparison.compare("exports/albert_en_large/1", source=source, config=config)
result.passed
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import albert_config, errors, hub_api
from export.checkpoints import lazy_checkpoint, mapping, opening, restore, weight_table
from export.metadata import manifest
from export.saved_models import loading
from export.verification import reference, tolerances

_FEW = 3  # variables that differ and are listed each, however few there are in all
_COUNTS = ("num_hidden_layers", "num_hidden_groups", "inner_group_num")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One output that was compared.

    Attributes:
      output: its name.
      layer: number of the hidden layer, from 1; None for other outputs.
      engine: what computed the reference.
      difference: largest absolute difference; infinite if the output is missing or not finite.
      tolerance: largest difference that is allowed.
    """

    output: str
    layer: int | None
    engine: str
    difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance

    @property
    def share(self) -> float:
        """The share of the tolerance that the difference takes."""
        return self.difference / self.tolerance


@dataclasses.dataclass(frozen=True, kw_only=True)
class Texts:
    """What a comparison on texts found.

    Attributes:
      engine: what computed the reference.
      count: number of texts.
      other: of how many a label, an entity, an answer or a word is another one.
      ties: of how many it is another one that is as good within the tolerance.
      differing: the texts that differ, and in what.
    """

    engine: str
    count: int
    other: int
    ties: int
    differing: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison found.

    Attributes:
      rows: the outputs that were compared.
      weights: number of variables that were compared, bit by bit.
      weight_problems: what is wrong with them.
      texts: of a text model, what the texts show; None of an encoder.
    """

    rows: tuple[Row, ...]
    weights: int
    weight_problems: tuple[str, ...]
    texts: Texts | None = None

    @property
    def is_other_model(self) -> bool:
        """Whether most of the weights differ: the artifact was made from another checkpoint."""
        return len(self.weight_problems) > max(self.weights / 2, _FEW)

    @property
    def passed(self) -> bool:
        """Whether weights and choices are equal and all differences within their tolerances."""
        has_other = self.texts is not None and self.texts.other > 0
        return not self.weight_problems and not has_other and all(row.passed for row in self.rows)

    def results(self) -> dict[str, Any]:
        """Returns what was found as JSON values.

        Of every engine and output there is the row that is nearest to its tolerance; null is a
        difference that is not finite.
        """
        nearest: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            found = nearest.setdefault((row.engine, row.output), row)
            if row.share > found.share:
                nearest[row.engine, row.output] = row
        results: dict[str, Any] = {
            "weights": self.weights,
            "outputs": [
                {
                    "engine": row.engine,
                    "output": row.output,
                    "difference": float(f"{row.difference:.1e}")
                    if math.isfinite(row.difference)
                    else None,
                    "tolerance": float(f"{row.tolerance:.1e}"),
                }
                for row in nearest.values()
            ],
        }
        if self.texts is not None:
            texts = dataclasses.asdict(self.texts)
            results["texts"] = {name: texts[name] for name in ("engine", "count", "other", "ties")}
        return results


def compare(
    artifact: str, *, checkpoint: lazy_checkpoint.Checkpoint, config: albert_config.AlbertConfig
) -> Comparison:
    """Compares the encoder in a directory with a checkpoint.

    Args:
      artifact: directory of a SavedModel.
      checkpoint: the checkpoint.
      config: its hyper-parameters.

    Raises:
      errors.CheckpointError: the artifact or the checkpoint cannot be read.
      errors.CheckpointMismatchError: the checkpoint does not fit the config.
    """

    exported = opening.open(artifact)
    _check_sizes(exported, config)
    kinds = exported.found_heads.kinds
    heads = [head for head in checkpoint.heads if head.kind in kinds] if kinds else ()
    tensors = restore.read(checkpoint, config=config, heads=heads)
    untrained = manifest.read(artifact).get("weights", {}).get("untrained_heads", [])
    problems = _weight_problems(tensors, exported, config, untrained=untrained)
    compared = sum(name in exported.tensors for name in tensors)
    weights = Comparison(rows=(), weights=compared, weight_problems=tuple(problems))
    if weights.is_other_model:
        return weights
    inputs = reference.inputs(config)
    module = loading.load(artifact)
    outputs = reference.call_saved_model(module, inputs)
    unit = tolerances.tolerance(artifact)
    rows: list[Row] = []
    for expected in reference.compute(checkpoint, tensors=tensors, config=config, inputs=inputs):
        rows += _rows(outputs, expected, unit)
        if hasattr(module, hub_api.UNPADDED):
            rows += _unpadded_rows(module.unpadded, inputs, expected, unit)
    return dataclasses.replace(weights, rows=tuple(rows))


def _check_sizes(exported: lazy_checkpoint.Checkpoint, config: albert_config.AlbertConfig) -> None:
    """Refuses a checkpoint of other sizes than the artifact's, which has no weight to compare."""
    own = exported.config
    sizes = (*mapping.FIELD_OF_LETTER.values(), *_COUNTS)
    differences = [
        f"{field} is {getattr(own, field)} in the artifact, {getattr(config, field)} in the "
        "checkpoint"
        for field in sizes
        if own is not None and getattr(own, field) != getattr(config, field)
    ]
    if differences:
        title = f"{exported.location!r} was made from another model than the checkpoint"
        raise errors.CheckpointMismatchError(errors.listing(title, differences))


def _weight_problems(
    tensors: Mapping[str, np.ndarray],
    exported: lazy_checkpoint.Checkpoint,
    config: albert_config.AlbertConfig,
    *,
    untrained: Sequence[str],
) -> list[str]:
    """Returns the variables of the artifact that are not the checkpoint's, to the bit.

    Args:
      tensors: the checkpoint's.
      exported: the artifact.
      config: the hyper-parameters.
      untrained: kinds of heads that are new, whose weights no checkpoint has.
    """
    scopes = tuple(
        weight_table.SOP_HEAD if kind == hub_api.SOP else f"cls/{kind}/" for kind in untrained
    )
    theirs = {
        name: value
        for name, value in restore.read(exported, config=config).items()
        if not name.startswith(scopes)
    }
    problems = [f"{name} is not in the checkpoint" for name in theirs if name not in tensors]
    for name, value in theirs.items():
        if name in tensors and value.tobytes() != tensors[name].tobytes():
            largest = np.abs(value - tensors[name]).max()
            problems.append(f"{name} differs by up to {largest:.1e}")
    return problems


def _rows(
    outputs: Mapping[str, np.ndarray], expected: reference.Reference, unit: float
) -> list[Row]:
    rows = []
    for name, right in expected.outputs.items():
        got = outputs.get(name)
        if name == reference.SOP_LOG_PROBS:
            name = hub_api.SOP_LOGITS
            got = _log_softmax(outputs[name]) if name in outputs else None
        optional = (hub_api.MLM_LOGITS, hub_api.SOP_LOGITS, hub_api.ATTENTION_PROBS)
        if got is None and (name in optional or "." in name):
            continue  # exported without it
        if name == hub_api.ENCODER_OUTPUTS:
            for layer, one in enumerate(right):
                ours = None if got is None or layer >= len(got) else got[layer]
                found = row(name, engine=expected.engine, got=ours, right=one, unit=unit)
                rows.append(dataclasses.replace(found, layer=layer + 1))
        else:
            rows.append(row(name, engine=expected.engine, got=got, right=right, unit=unit))
    return rows


def _unpadded_rows(
    module: object,
    inputs: Mapping[str, np.ndarray],
    expected: reference.Reference,
    unit: float,
) -> list[Row]:
    """Compares the unpadded encoder, at tokens: it has zeros at padding."""
    outputs = reference.call_saved_model(module, inputs)
    mask = inputs[hub_api.INPUT_MASK].astype(bool)
    vector = hub_api.POOLED_OUTPUT if hub_api.POOLED_OUTPUT in outputs else hub_api.DEFAULT
    at_tokens = {
        hub_api.SEQUENCE_OUTPUT: lambda array: array[mask],
        vector: lambda array: array,
    }
    return [
        row(
            f"{hub_api.UNPADDED}.{name}",
            engine=expected.engine,
            got=pick(outputs[name]),
            right=pick(expected.outputs[name]),
            unit=unit,
        )
        for name, pick in at_tokens.items()
        if name in expected.outputs
    ]


def row(name: str, *, engine: str, got: np.ndarray | None, right: np.ndarray, unit: float) -> Row:
    """Returns the comparison of an output with what is right.

    Args:
      name: of the output.
      engine: what computed the right one.
      got: the output; None if it is missing.
      right: what it should be.
      unit: largest difference that is allowed for values of up to 1; of larger ones it is as much
        more.
    """
    difference = np.inf
    if got is not None and got.shape == right.shape and np.isfinite(got).all():
        difference = float(np.abs(got.astype(np.float64) - right).max(initial=0))
    tolerance = unit * max(1.0, float(np.abs(right).max(initial=0)))
    return Row(output=name, layer=None, engine=engine, difference=difference, tolerance=tolerance)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
