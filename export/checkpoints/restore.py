"""Fills a model's variables from a checkpoint: all of them, from all of it, or not at all.

    checkpoint = opening.open("albert_large/model.ckpt-best")
    restore.restore(variables, checkpoint=checkpoint, config=checkpoint.config)

No variable keeps what it had, no tensor is passed over: what is missing, left over, of the wrong
shape or type, not finite, or not equal to its twin is listed in one error. Weights are read one at
a time.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from configs import albert_config, errors, head_config
from export.checkpoints import compatibility, lazy_checkpoint, mapping, weight_table


class Variable(Protocol):
    """What is needed of a `tf.Variable`."""

    @property
    def shape(self) -> Any:
        """Its shape."""

    def assign(self, value: np.ndarray) -> Any:
        """Takes the value, float32."""


def restore(
    variables: Mapping[str, Variable],
    *,
    checkpoint: lazy_checkpoint.Checkpoint,
    config: albert_config.AlbertConfig,
    heads: Sequence[head_config.HeadConfig] = (),
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Assigns every variable from the source.

    Args:
      variables: the float32 variables of a model by name: the encoder's, and those of the heads it
        has. Heads that the source has and the model lacks are passed over.
      checkpoint: an open checkpoint.
      config: the hyper-parameters that the variables were made from.
      heads: of a fine-tuned model, whose variables are among them.
      on_progress: called with the number of weights that were read so far, and of all.

    Raises:
      errors.CheckpointMismatchError: lists everything that does not fit. The variables' values are
        undefined then.
    """
    entries = _entries_of(variables, config, heads)
    found = compatibility.problems(entries, checkpoint)
    done, total = 0, sum(math.prod(entry.shape) for entry in entries)
    for entry in entries:
        tensor = checkpoint.tensors.get(entry.names.get(checkpoint.format, ""))
        if tensor is not None:
            value = _checked_value(tensor, entry, checkpoint.format, found)
            if value is not None:
                variables[entry.variable].assign(value)
        done += math.prod(entry.shape)
        on_progress(done, total)
    found += compatibility.differing_tied_weights(entries, checkpoint)
    if found:
        title = (
            f"checkpoint {checkpoint.location!r} (format {checkpoint.format}) "
            "does not fit the model"
        )
        raise errors.CheckpointMismatchError(errors.listing(title, found))


def problems(
    checkpoint: lazy_checkpoint.Checkpoint,
    *,
    config: albert_config.AlbertConfig,
    mlm: bool,
    heads: Sequence[head_config.HeadConfig] = (),
) -> list[str]:
    """Returns why `restore` would refuse a source for its names, shapes, types or tied weights.

    No value is read, but those of tied weights, unless something is wrong; then all are, so that
    the list is complete.

    Args:
      checkpoint: an open checkpoint.
      config: the hyper-parameters of the model to be made.
      mlm: whether it will have the masked language model head.
      heads: the heads of a fine-tuned model that it will have.
    """
    entries = entries_of(checkpoint, config=config, mlm=mlm, heads=heads)
    found = compatibility.problems(entries, checkpoint)
    for entry in entries:
        tensor = checkpoint.tensors.get(entry.names.get(checkpoint.format, ""))
        if tensor is not None:
            found += compatibility.wrong_form(tensor, entry, checkpoint.format)
    found += compatibility.differing_tied_weights(entries, checkpoint)
    if found:
        values: list[str] = []
        for entry in entries:
            tensor = checkpoint.tensors.get(entry.names.get(checkpoint.format, ""))
            if tensor is not None:
                _checked_value(tensor, entry, checkpoint.format, values)
        found += [problem for problem in values if problem not in found]
    return found


def entries_of(
    checkpoint: lazy_checkpoint.Checkpoint,
    *,
    config: albert_config.AlbertConfig,
    mlm: bool,
    heads: Sequence[head_config.HeadConfig] = (),
) -> list[mapping.Entry]:
    """Returns the entries of the variables of a model with the heads that it gets of a source."""
    absent = () if mlm else (weight_table.MLM_HEAD,)
    if not has_sop_head(checkpoint):
        absent = (*absent, weight_table.SOP_HEAD)
    return [
        entry
        for entry in mapping.entries(config, heads=heads)
        if not entry.variable.startswith(absent)
    ]


def read(
    checkpoint: lazy_checkpoint.Checkpoint,
    *,
    config: albert_config.AlbertConfig,
    heads: Sequence[head_config.HeadConfig] | None = None,
) -> dict[str, np.ndarray]:
    """Returns the weights of the source, float32, by the names of the encoder's variables.

    The heads are among them where the source has them.

    Args:
      checkpoint: an open checkpoint.
      config: its hyper-parameters.
      heads: the heads of a fine-tuned model to read; None for all that it has.

    Raises:
      errors.CheckpointMismatchError: see `restore`.
    """
    mlm = has_mlm_head(checkpoint)
    heads = checkpoint.heads if heads is None else heads
    entries = entries_of(checkpoint, config=config, mlm=mlm, heads=heads)
    arrays = {entry.variable: _Array(entry.shape) for entry in entries}
    restore(arrays, checkpoint=checkpoint, config=config, heads=heads)
    return {name: array.value for name, array in arrays.items()}


def has_mlm_head(checkpoint: lazy_checkpoint.Checkpoint) -> bool:
    """Returns whether the source has the masked language model head, or a part of it."""
    return checkpoint.has(weight_table.MLM_HEAD)


def has_sop_head(checkpoint: lazy_checkpoint.Checkpoint) -> bool:
    """Returns whether the source has the sentence-order head, or a part of it."""
    return checkpoint.has(weight_table.SOP_HEAD)


class _Array:
    """A numpy array as a `Variable`."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.value = np.empty(0, np.float32)

    def assign(self, value: np.ndarray) -> None:
        self.value = value


def _entries_of(
    variables: Mapping[str, Variable],
    config: albert_config.AlbertConfig,
    heads: Sequence[head_config.HeadConfig],
) -> list[mapping.Entry]:
    """Returns the entries of the variables; that these fit the config is the caller's business."""
    entries = {entry.variable: entry for entry in mapping.entries(config, heads=heads)}
    for name, variable in variables.items():
        if name not in entries or tuple(variable.shape) != entries[name].shape:
            raise ValueError(f"variable {name} {variable.shape} is not of a model with {config}")
    required = {name for name in entries if not name.startswith(compatibility.HEADS)}
    if not required <= set(variables):
        raise ValueError(f"variables lack {sorted(required - set(variables))}")
    return [entries[name] for name in variables]


def _checked_value(
    tensor: lazy_checkpoint.LazyTensor,
    entry: mapping.Entry,
    checkpoint_format: str,
    problems: list[str],
) -> np.ndarray | None:
    """Returns the value for the variable; None, and why in `problems`, if it is no good."""
    wrong = compatibility.wrong_form(tensor, entry, checkpoint_format)
    if wrong:
        problems += wrong
        return None
    try:
        array = tensor.read()
    except errors.CheckpointError as error:
        problems.append(f"{tensor.name} cannot be read: {error}")
        return None
    if not np.isfinite(array).all():
        problems.append(f"not finite: {tensor.name}")
        return None
    array = array.astype(np.float32, copy=False)
    return mapping.to_variable(array, entry=entry, checkpoint_format=checkpoint_format)
