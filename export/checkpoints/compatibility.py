"""What of a checkpoint fits a model: what is missing, left over, of another form, or not used.

Example:
    problems = compatibility.problems(entries, checkpoint)
    unused = compatibility.unused(entries, checkpoint)
"""

import re
from collections.abc import Mapping, Sequence

from configs import errors
from export.checkpoints import lazy_checkpoint, mapping, weight_table

_PRETRAINING_HEADS = (weight_table.MLM_HEAD, weight_table.SOP_HEAD)
_MOST_NAMES = 12  # of tensors that a notice lists
HEADS = (*_PRETRAINING_HEADS, *weight_table.FINE_TUNED_HEADS)

OF_LARGER_MODEL = "it is of a larger model around the encoder"
_BOOKKEEPING = "state of the training of a larger model"
_BOOKKEEPING_NAME = re.compile(r"(^|/)(optimizer|metrics|save_counter)(/|$)|OPTIMIZER_SLOT")

_Entries = Sequence[mapping.Entry]


def problems(entries: _Entries, checkpoint: lazy_checkpoint.Checkpoint) -> list[str]:
    """Returns what is missing and what is left over, by the names of the tensors.

    Args:
      entries: of the variables of the model.
      checkpoint: an open checkpoint.
    """
    return [*_missing(entries, checkpoint), *_left_over(entries, checkpoint)]


def unused(entries: _Entries, checkpoint: lazy_checkpoint.Checkpoint) -> dict[str, str]:
    """Returns why each tensor that no variable is made from is not used, by its name in the file.

    Tensors that only repeat a variable are not among them.
    """
    known = _known(entries, checkpoint)
    found = {
        name: _BOOKKEEPING if _BOOKKEEPING_NAME.search(name) else OF_LARGER_MODEL
        for name in checkpoint.unused_tensors
    }
    for name, tensor in checkpoint.tensors.items():
        reason = _reason(name, tensor, checkpoint)
        if name not in known and reason is not None:
            found[tensor.name] = reason
    return dict(sorted(found.items()))


def unused_notices(unused: Mapping[str, str]) -> list[str]:
    """Returns a line for each reason of `unused`, with the names if they are few."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in unused.items():
        by_reason.setdefault(reason, []).append(name)
    lines = []
    for reason, names in by_reason.items():
        said = ", ".join(names)
        if len(names) > _MOST_NAMES:
            said = f"{names[0]} and {len(names) - 1} more, all in the manifest (weights.unused)"
        lines.append(f"left out ({reason}): {said}")
    return lines


def wrong_form(
    tensor: lazy_checkpoint.LazyTensor, entry: mapping.Entry, checkpoint_format: str
) -> list[str]:
    """Returns what is wrong with the shape and the type of a tensor."""
    found = []
    shape = mapping.checkpoint_shape(entry, checkpoint_format=checkpoint_format)
    if tensor.shape != shape:
        found.append(f"wrong shape of {tensor.name}: {list(tensor.shape)}, expected {list(shape)}")
    if tensor.dtype not in lazy_checkpoint.EXACT_IN_FLOAT32:
        found.append(f"wrong type of {tensor.name}: {tensor.dtype}, expected float32")
    return found


def differing_tied_weights(entries: _Entries, checkpoint: lazy_checkpoint.Checkpoint) -> list[str]:
    """Returns which tensors should repeat a variable and do not, to the bit.

    What repeats a variable for a head matters where the model has that head.
    """
    names = {entry.variable for entry in entries}
    used = {entry.names.get(checkpoint.format) for entry in entries}
    if not any(name.startswith(weight_table.MLM_HEAD) for name in names):
        return []
    found = []
    for twin, variable in weight_table.TIED_WEIGHTS.get(checkpoint.format, {}).items():
        first = checkpoint.tensors.get(_name(variable, checkpoint))
        second = checkpoint.tensors.get(twin)
        if first is None or second is None or twin in used or variable not in names:
            continue
        try:
            is_same = first.name == second.name or lazy_checkpoint.has_same_bits(first, second)
        except errors.CheckpointError as error:
            found.append(f"{second.name} cannot be read: {error}")
        else:
            if not is_same:
                found.append(
                    f"{second.name} is not equal to {first.name}, which it repeats where "
                    "tie_word_embeddings is true, the default: say false in the config to export "
                    "it as a matrix of its own, or leave the head out: --nomlm"
                )
    return found


def _known(entries: _Entries, checkpoint: lazy_checkpoint.Checkpoint) -> set[str]:
    """Returns the canonical names of what variables are made from, and of what repeats them."""
    known = {
        entry.names[checkpoint.format] for entry in entries if checkpoint.format in entry.names
    }
    has_mlm = any(entry.variable.startswith(weight_table.MLM_HEAD) for entry in entries)
    for twin, variable in weight_table.TIED_WEIGHTS.get(checkpoint.format, {}).items():
        if has_mlm and _name(variable, checkpoint) in checkpoint.tensors:
            known.add(twin)
    return known


def _reason(
    name: str, tensor: lazy_checkpoint.LazyTensor, checkpoint: lazy_checkpoint.Checkpoint
) -> str | None:
    """Returns why a tensor that the model has no variable for may be left out, if it may."""
    reason = mapping.ignored_reason(name, checkpoint_format=checkpoint.format)
    if reason is not None:
        return reason
    twins = weight_table.TIED_WEIGHTS.get(checkpoint.format, {})
    for head in HEADS:
        names = mapping.names_with_prefix(head, checkpoint_format=checkpoint.format)
        if name in names or (name in twins and head == weight_table.MLM_HEAD):
            of = "pre-training" if head in _PRETRAINING_HEADS else "a fine-tuned model"
            return f"head of {of} that is not exported"
    if checkpoint.allow_unused and re.search(checkpoint.allow_unused, tensor.name):
        return "--allow_unused says so"
    return None


def _missing(entries: _Entries, checkpoint: lazy_checkpoint.Checkpoint) -> list[str]:
    found = []
    absent = [entry for entry in entries if checkpoint.format not in entry.names]
    if absent:
        found.append(
            f"format {checkpoint.format} has no place for "
            + ", ".join(entry.variable for entry in absent)
        )
    missing = [
        entry
        for entry in entries
        if entry not in absent and entry.names[checkpoint.format] not in checkpoint.tensors
    ]
    found += [f"missing {entry.names[checkpoint.format]}" for entry in missing]
    if any(entry.variable.startswith(weight_table.MLM_HEAD) for entry in missing):
        found[-1] += " (the masked language model head may be left out: --nomlm)"
    if any(entry.variable.startswith(weight_table.FINE_TUNED_HEADS) for entry in missing):
        found[-1] += " (the head of a fine-tuned model may be left out: --nohead)"
    return found


def _left_over(entries: _Entries, checkpoint: lazy_checkpoint.Checkpoint) -> list[str]:
    known = _known(entries, checkpoint)
    found = [
        f"left over {tensor.name} {list(tensor.shape)}"
        for name, tensor in checkpoint.tensors.items()
        if name not in known and _reason(name, tensor, checkpoint) is None
    ]
    if found:
        found[-1] += " (weights of a head of your own may be left out: --allow_unused REGEX)"
    return found


def _name(variable: str, checkpoint: lazy_checkpoint.Checkpoint) -> str:
    """Returns the canonical name in the source of a variable outside the blocks."""
    return mapping.canonical_name(variable, checkpoint_format=checkpoint.format)
