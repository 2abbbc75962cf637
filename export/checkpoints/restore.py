"""Fills a model's variables from a checkpoint: all of them, from all of it, or not at all.

    checkpoint = opening.open("albert_large/model.ckpt-best")
    restore.restore(variables, checkpoint=checkpoint, config=checkpoint.config)

No variable keeps what it had, no tensor is passed over: what is missing, left over, of the wrong
shape or type, not finite, or not equal to its twin is listed in one error. Weights are read one at
a time.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from configs import albert_config, errors
from export.checkpoints import lazy_checkpoint, mapping, weight_table

# float16 and bfloat16 are subsets of float32: reading them changes no number. float64 is not, and
# integers mean that somebody quantized the model.
_EXACT_IN_FLOAT32 = ("float32", "float16", "bfloat16")
_HEADS = (weight_table.MLM_HEAD, weight_table.SOP_HEAD)
_POOLER = "pooler_transform/"


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
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Assigns every variable from the source.

    Args:
      variables: the float32 variables of a model by name: the encoder's, and those of the heads it
        has. Heads that the source has and the model lacks are passed over.
      checkpoint: an open checkpoint.
      config: the hyper-parameters that the variables were made from.
      on_progress: called with the number of weights that were read so far, and of all.

    Raises:
      errors.CheckpointMismatchError: lists everything that does not fit. The variables' values are
        undefined then.
    """
    entries = _entries_of(variables, config)
    problems = [*_missing(entries, checkpoint), *_left_over(entries, checkpoint)]
    done, total = 0, sum(math.prod(entry.shape) for entry in entries)
    for entry in entries:
        tensor = checkpoint.tensors.get(entry.names.get(checkpoint.format, ""))
        if tensor is not None:
            value = _checked_value(tensor, entry, checkpoint.format, problems)
            if value is not None:
                variables[entry.variable].assign(value)
        done += math.prod(entry.shape)
        on_progress(done, total)
    problems += _differing_tied_weights(entries, checkpoint)
    if problems:
        title = (
            f"checkpoint {checkpoint.location!r} (format {checkpoint.format}) "
            "does not fit the model"
        )
        raise errors.CheckpointMismatchError(errors.listing(title, problems))


def check(
    checkpoint: lazy_checkpoint.Checkpoint, *, config: albert_config.AlbertConfig, mlm: bool
) -> None:
    """Refuses a source that `restore` would refuse for its names, shapes or types.

    Nothing is read unless something is wrong; then everything is, so that the error is complete.

    Args:
      checkpoint: an open checkpoint.
      config: the hyper-parameters of the model to be made.
      mlm: whether it will have the masked language model head.

    Raises:
      errors.CheckpointMismatchError: see `restore`.
    """
    absent = () if mlm else (weight_table.MLM_HEAD,)
    if not has_sop_head(checkpoint):
        absent = (*absent, weight_table.SOP_HEAD)
    arrays = _arrays(config, absent)
    entries = _entries_of(arrays, config)
    problems = [*_missing(entries, checkpoint), *_left_over(entries, checkpoint)]
    for entry in entries:
        tensor = checkpoint.tensors.get(entry.names.get(checkpoint.format, ""))
        if tensor is not None:
            problems += _wrong_form(tensor, entry, checkpoint.format)
    if problems:
        restore(arrays, checkpoint=checkpoint, config=config)


def read(
    checkpoint: lazy_checkpoint.Checkpoint, *, config: albert_config.AlbertConfig
) -> dict[str, np.ndarray]:
    """Returns the weights of the source, float32, by the names of the encoder's variables.

    The heads are among them where the source has them.

    Raises:
      errors.CheckpointMismatchError: see `restore`.
    """
    absent = tuple(head for head in _HEADS if not _has_any(checkpoint, head))
    arrays = _arrays(config, absent)
    restore(arrays, checkpoint=checkpoint, config=config)
    return {name: array.value for name, array in arrays.items()}


def has_mlm_head(checkpoint: lazy_checkpoint.Checkpoint) -> bool:
    """Returns whether the source has the masked language model head, or a part of it."""
    return _has_any(checkpoint, weight_table.MLM_HEAD)


def has_sop_head(checkpoint: lazy_checkpoint.Checkpoint) -> bool:
    """Returns whether the source has the sentence-order head, or a part of it."""
    return _has_any(checkpoint, weight_table.SOP_HEAD)


def has_embedding_projection(
    checkpoint: lazy_checkpoint.Checkpoint, config: albert_config.AlbertConfig
) -> bool:
    """Returns whether the model needs a projection: the sizes differ, or the source has one."""
    sizes_differ = config.embedding_size != config.hidden_size
    return sizes_differ or _has_any(checkpoint, weight_table.PROJECTION)


class _Array:
    """A numpy array as a `Variable`."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.value = np.empty(0, np.float32)

    def assign(self, value: np.ndarray) -> None:
        self.value = value


def _arrays(config: albert_config.AlbertConfig, absent_heads: tuple[str, ...]) -> dict[str, _Array]:
    return {
        name: _Array(shape)
        for name, shape in mapping.shapes(config).items()
        if not name.startswith(absent_heads)
    }


def _has_any(checkpoint: lazy_checkpoint.Checkpoint, prefix: str) -> bool:
    return not mapping.names_with_prefix(prefix, checkpoint_format=checkpoint.format).isdisjoint(
        checkpoint.tensors
    )


def _entries_of(
    variables: Mapping[str, Variable], config: albert_config.AlbertConfig
) -> list[mapping.Entry]:
    """Returns the entries of the variables; that these fit the config is the caller's business."""
    entries = {entry.variable: entry for entry in mapping.entries(config)}
    for name, variable in variables.items():
        if name not in entries or tuple(variable.shape) != entries[name].shape:
            raise ValueError(f"variable {name} {variable.shape} is not of a model with {config}")
    required = {name for name in entries if not name.startswith(_HEADS)}
    if not required <= set(variables):
        raise ValueError(f"variables lack {sorted(required - set(variables))}")
    return [entries[name] for name in variables]


def _missing(entries: list[mapping.Entry], checkpoint: lazy_checkpoint.Checkpoint) -> list[str]:
    problems = []
    absent = [entry for entry in entries if checkpoint.format not in entry.names]
    if absent:
        problems.append(
            f"format {checkpoint.format} has no place for "
            + ", ".join(entry.variable for entry in absent)
        )
    missing = [
        entry
        for entry in entries
        if entry not in absent and entry.names[checkpoint.format] not in checkpoint.tensors
    ]
    if any(entry.variable.startswith(_POOLER) for entry in missing):
        problems.append(
            "it has no pooler, without which there is no pooled_output (models for masked language"
            " modelling, token classification or question answering alone have none)"
        )
    return problems + [f"missing {entry.names[checkpoint.format]}" for entry in missing]


def _left_over(entries: list[mapping.Entry], checkpoint: lazy_checkpoint.Checkpoint) -> list[str]:
    known = {
        entry.names[checkpoint.format] for entry in entries if checkpoint.format in entry.names
    }
    twins = weight_table.TIED_WEIGHTS.get(checkpoint.format, {})
    known |= {
        twin
        for twin, variable in twins.items()
        if _name(variable, checkpoint) in checkpoint.tensors
    }
    for head in _HEADS:  # which the model need not have
        known |= mapping.names_with_prefix(head, checkpoint_format=checkpoint.format)
    return [
        f"left over {tensor.name} {list(tensor.shape)}"
        for name, tensor in checkpoint.tensors.items()
        if name not in known
        and mapping.ignored_reason(name, checkpoint_format=checkpoint.format) is None
    ]


def _checked_value(
    tensor: lazy_checkpoint.LazyTensor,
    entry: mapping.Entry,
    checkpoint_format: str,
    problems: list[str],
) -> np.ndarray | None:
    """Returns the value for the variable; None, and why in `problems`, if it is no good."""
    wrong = _wrong_form(tensor, entry, checkpoint_format)
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


def _wrong_form(
    tensor: lazy_checkpoint.LazyTensor, entry: mapping.Entry, checkpoint_format: str
) -> list[str]:
    """Returns what is wrong with the shape and the type of a tensor."""
    problems = []
    shape = mapping.checkpoint_shape(entry, checkpoint_format=checkpoint_format)
    if tensor.shape != shape:
        problems.append(
            f"wrong shape of {tensor.name}: {list(tensor.shape)}, expected {list(shape)}"
        )
    if tensor.dtype not in _EXACT_IN_FLOAT32:
        problems.append(f"wrong type of {tensor.name}: {tensor.dtype}, expected float32")
    return problems


def _differing_tied_weights(
    entries: list[mapping.Entry], checkpoint: lazy_checkpoint.Checkpoint
) -> list[str]:
    """Returns which tensors should repeat a variable and do not, to the bit."""
    problems = []
    variables = {entry.variable for entry in entries}
    for twin, variable in weight_table.TIED_WEIGHTS.get(checkpoint.format, {}).items():
        first = checkpoint.tensors.get(_name(variable, checkpoint))
        second = checkpoint.tensors.get(twin)
        if first is None or second is None or variable not in variables:
            continue
        try:
            is_same = first.name == second.name or _has_same_bits(first, second)
        except errors.CheckpointError as error:
            problems.append(f"{second.name} cannot be read: {error}")
        else:
            if not is_same:
                problems.append(f"{second.name} is not equal to {first.name}, which it repeats")
    return problems


def _has_same_bits(first: lazy_checkpoint.LazyTensor, second: lazy_checkpoint.LazyTensor) -> bool:
    if (first.shape, first.dtype) != (second.shape, second.dtype):
        return False
    return first.read().tobytes() == second.read().tobytes()


def _name(variable: str, checkpoint: lazy_checkpoint.Checkpoint) -> str:
    """Returns the canonical name in the source of a variable outside the blocks."""
    return mapping.canonical_name(variable, checkpoint_format=checkpoint.format)
