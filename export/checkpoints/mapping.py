"""From the names and layouts of a checkpoint to the variables of the encoder, and back.

    for entry in mapping.entries(config):
        entry.variable, entry.shape, entry.names[weight_table.HUGGING_FACE]

The names are data (`export/checkpoints/weight_table.py`). How a tensor is laid out (transposed or
not, heads merged or not) is a function of the kind of source and the kind of tensor, never of a row
of the table.
"""

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from configs import albert_config, head_config
from export.checkpoints import weight_table

# The field of a config that a dimension letter of the table stands for.
FIELD_OF_LETTER: Mapping[str, str] = {
    "V": "vocab_size",
    "E": "embedding_size",
    "P": "max_position_embeddings",
    "T": "type_vocab_size",
    "H": "hidden_size",
    "N": "num_attention_heads",
    "F": "intermediate_size",
}
# Where the numbers of group and inner block are in canonical names.
_GROUP_NUMBERS: Mapping[str, re.Pattern[str]] = {
    weight_table.TF1: re.compile(r"bert/encoder/transformer/group_(\d+)/inner_group_(\d+)/"),
    weight_table.TF1_HUB: re.compile(r"bert/encoder/transformer/group_(\d+)/inner_group_(\d+)/"),
    weight_table.HUGGING_FACE: re.compile(
        r"albert\.encoder\.albert_layer_groups\.(\d+)\.albert_layers\.(\d+)\."
    ),
    weight_table.SAVED_MODEL: re.compile(r"transformer/group_(\d+)/inner_group_(\d+)/"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One variable of a model.

    Attributes:
      variable: its name.
      kind: what it is.
      shape: its shape.
      names: its canonical name by kind of source; a source that cannot hold it is left out.
    """

    variable: str
    kind: weight_table.Kind
    shape: tuple[int, ...]
    names: Mapping[str, str]


def entries(
    config: albert_config.AlbertConfig, *, heads: Sequence[head_config.HeadConfig] = ()
) -> tuple[Entry, ...]:
    """Returns an entry for every variable of a model, in the contract's order.

    Embedding projection, pooler and an output matrix of the masked language model's own are among
    them as the config says.

    Args:
      config: the hyper-parameters.
      heads: of a fine-tuned model, which the model has besides both heads of pre-training.
    """
    labels = {head.scope: len(head.labels) for head in heads}
    absent = tuple(scope for scope in weight_table.FINE_TUNED_HEADS if scope not in labels)
    absent += tuple(
        prefix
        for prefix, is_present in {
            weight_table.PROJECTION: config.embedding_projection,
            weight_table.POOLER: config.pooler,
            weight_table.DECODER: not config.tie_word_embeddings,
        }.items()
        if not is_present
    )
    found = []
    blocks = [
        (group, inner)
        for group in range(config.num_hidden_groups)
        for inner in range(config.inner_group_num)
    ]
    block_rows = [row for row in weight_table.TABLE if row.variable.startswith("{block}")]
    for row in weight_table.TABLE:
        if row.variable.startswith(absent):
            continue
        if row is block_rows[0]:
            found += [_entry(r, config, block) for block in blocks for r in block_rows]
        elif row not in block_rows:
            scope = next((scope for scope in labels if row.variable.startswith(scope)), "")
            found.append(_entry(row, config, None, labels=labels.get(scope, 0)))
    return tuple(found)


def shapes(config: albert_config.AlbertConfig) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every variable of a model with both heads of pre-training."""
    return {entry.variable: entry.shape for entry in entries(config)}


def sizes(shapes: Mapping[str, tuple[int, ...]], *, checkpoint_format: str) -> dict[str, int]:
    """Returns the fields of a config that tensors tell, by their shapes and names.

    Args:
      shapes: of the tensors, by canonical name.
      checkpoint_format: the kind of source.
    """
    found: dict[str, int] = {}
    is_only = True
    pattern = _GROUP_NUMBERS.get(checkpoint_format)
    matches = [match for match in map(pattern.match, shapes) if match] if pattern else []
    if matches:
        found["num_hidden_groups"] = len({match[1] for match in matches})
        found["inner_group_num"] = len({match[2] for match in matches})
        is_only = False
    block = _blocks(0, 0, inner_groups=1, is_only=is_only)[checkpoint_format] or ""
    told = [weight_table.Kind.TABLE, weight_table.Kind.VECTOR]
    if not _merges_heads(checkpoint_format):
        told.append(weight_table.Kind.TO_HEADS_BIAS)
    for row in weight_table.TABLE:
        shape = shapes.get((_names_in(row)[checkpoint_format] or "").format(block=block), ())
        if row.kind in told and len(shape) == len(row.shape):
            for letter, size in zip(row.shape, shape, strict=True):
                if letter in FIELD_OF_LETTER:
                    found.setdefault(FIELD_OF_LETTER[letter], size)
    return found


def label_count(
    scope: str, shapes: Mapping[str, tuple[int, ...]], *, checkpoint_format: str
) -> int:
    """Returns the number of logits of a head, by the shapes of its tensors; 0 if none tells.

    Args:
      scope: of the head's variables, one of `weight_table.FINE_TUNED_HEADS`.
      shapes: of the tensors, by canonical name.
      checkpoint_format: the kind of source.
    """
    for row in weight_table.TABLE:
        shape = shapes.get(_names_in(row)[checkpoint_format] or "", ())
        if row.variable.startswith(scope) and len(shape) == len(row.shape):
            return shape[0 if _is_transposed(row.kind, checkpoint_format) else -1]
    return 0


def recognizes(names: Iterable[str], *, checkpoint_format: str) -> bool:
    """Returns whether any of these canonical names is in the table, blocks aside."""
    return not names_with_prefix("", checkpoint_format=checkpoint_format).isdisjoint(names)


@functools.cache
def names_with_prefix(prefix: str, *, checkpoint_format: str) -> frozenset[str]:
    """Returns the canonical names of the variables outside blocks that start with `prefix`."""
    return frozenset(
        _names_in(row)[checkpoint_format] or ""
        for row in weight_table.TABLE
        if row.variable.startswith(prefix) and "{block}" not in row.variable
    ) - {""}


def canonical_name(variable: str, *, checkpoint_format: str) -> str:
    """Returns the canonical name of a variable outside blocks; "" where the source has none."""
    return next(iter(names_with_prefix(variable, checkpoint_format=checkpoint_format)), "")


def ignored_reason(name: str, *, checkpoint_format: str) -> str | None:
    """Returns why a source may hold a tensor of that canonical name; None if it may not."""
    for pattern, reason in weight_table.IGNORED[checkpoint_format].items():
        if re.fullmatch(pattern, name):
            return reason
    return None


def checkpoint_shape(entry: Entry, *, checkpoint_format: str) -> tuple[int, ...]:
    """Returns the shape that a source stores the tensor of `entry` in."""
    shape = entry.shape
    if _merges_heads(checkpoint_format):
        if entry.kind is weight_table.Kind.TO_HEADS_KERNEL:
            shape = (shape[0], shape[1] * shape[2])
        elif entry.kind is weight_table.Kind.TO_HEADS_BIAS:
            shape = (shape[0] * shape[1],)
        elif entry.kind is weight_table.Kind.FROM_HEADS_KERNEL:
            shape = (shape[0] * shape[1], shape[2])
    return shape[::-1] if _is_transposed(entry.kind, checkpoint_format) else shape


def to_variable(array: np.ndarray, *, entry: Entry, checkpoint_format: str) -> np.ndarray:
    """Returns a tensor of a source in the layout of the variable of `entry`; the inverse is
    `to_checkpoint`."""
    if _is_transposed(entry.kind, checkpoint_format):
        array = array.T
    return np.ascontiguousarray(array).reshape(entry.shape)


def to_checkpoint(array: np.ndarray, *, entry: Entry, checkpoint_format: str) -> np.ndarray:
    """Returns the value of a variable in the layout of a source."""
    shape = checkpoint_shape(entry, checkpoint_format=checkpoint_format)
    if _is_transposed(entry.kind, checkpoint_format):
        return np.ascontiguousarray(array.reshape(shape[::-1]).T)
    return array.reshape(shape)


def _merges_heads(checkpoint_format: str) -> bool:
    return checkpoint_format in (weight_table.TF1, weight_table.TF1_HUB, weight_table.HUGGING_FACE)


def _is_transposed(kind: weight_table.Kind, checkpoint_format: str) -> bool:
    if checkpoint_format == weight_table.HUGGING_FACE:  # torch.nn.Linear keeps [out, in]
        return kind in (
            weight_table.Kind.KERNEL,
            weight_table.Kind.TO_HEADS_KERNEL,
            weight_table.Kind.FROM_HEADS_KERNEL,
            weight_table.Kind.OUTPUT_WEIGHTS,
        )
    return (
        checkpoint_format in (weight_table.TF1, weight_table.TF1_HUB)
        and kind is weight_table.Kind.OUTPUT_WEIGHTS
    )


def _entry(
    row: weight_table.Row,
    config: albert_config.AlbertConfig,
    block: tuple[int, int] | None,
    *,
    labels: int = 0,
) -> Entry:
    names = _names_in(row)
    blocks = _block_names(config, *block) if block else dict.fromkeys(names, "")
    spelt = {
        checkpoint_format: name.format(block=blocks[checkpoint_format])
        for checkpoint_format, name in names.items()
        if name is not None and blocks[checkpoint_format] is not None
    }
    sizes = {**_sizes(config), "C": labels}
    return Entry(
        variable=spelt[weight_table.SAVED_MODEL],
        kind=row.kind,
        shape=tuple(sizes[letter] for letter in row.shape),
        names=spelt,
    )


def _names_in(row: weight_table.Row) -> dict[str, str | None]:
    return {
        weight_table.TF1: row.tf1,
        weight_table.TF1_HUB: row.tf1,
        weight_table.HUGGING_FACE: row.huggingface,
        weight_table.MODEL_GARDEN: row.model_garden,
        weight_table.KERAS_HUB: row.keras_hub,
        weight_table.SAVED_MODEL: row.variable,
    }


def _block_names(
    config: albert_config.AlbertConfig, group: int, inner: int
) -> dict[str, str | None]:
    return _blocks(
        group,
        inner,
        inner_groups=config.inner_group_num,
        is_only=config.num_hidden_groups == config.inner_group_num == 1,
    )


def _blocks(group: int, inner: int, *, inner_groups: int, is_only: bool) -> dict[str, str | None]:
    """Returns the name of a block by kind of source; None where it cannot have that block."""
    number = group * inner_groups + inner
    tf1 = f"bert/encoder/transformer/group_{group}/inner_group_{inner}"
    return {
        weight_table.TF1: tf1,
        weight_table.TF1_HUB: tf1,
        weight_table.HUGGING_FACE: (
            f"albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
        ),
        # Model Garden's encoder has one group with one block, whatever the config says.
        weight_table.MODEL_GARDEN: "encoder/layer_with_weights-5" if group == inner == 0 else None,
        weight_table.KERAS_HUB: f"transformer_encoder_{number}"
        if number
        else "transformer_encoder",
        weight_table.SAVED_MODEL: "transformer"
        if is_only
        else f"transformer/group_{group}/inner_group_{inner}",
    }


def _sizes(config: albert_config.AlbertConfig) -> dict[str, int]:
    fields = {letter: getattr(config, field) for letter, field in FIELD_OF_LETTER.items()}
    # J joins two hidden states.
    return {**fields, "D": config.head_size, "J": 2 * config.hidden_size, "1": 1, "2": 2}
