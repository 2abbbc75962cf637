"""The rows of an unpadded batch in ONNX, as export/model/unpadding.py has them in TensorFlow.

Example:
    tokens = unpadded_rows.write(graph, mask)

Several short sequences share one of attention's G sequences of length L (next fit).
"""

import dataclasses

import numpy as np

from export.conversion.onnx.graph_builder import GraphBuilder

# As in export/model/unpadding.py.
MASKED_SCORE = np.float32(-10000)
_LAST, _FIRST, _SECOND = np.array([-1]), np.array([0]), np.array([1])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokens:
    """The rows, one for each token. Position 0 of every example has one, because of the pooler.

    Attributes:
      positions: int64 [T, 2], the (example, position) of a row.
      row_of_position: int64 [B, S]; T at padding.
      first_rows: int64 [B], the rows of position 0.
      has_tokens: float32 [B, 1], 1 or 0.
      attention_bias: float32 [G, 1, L, L].
      sequences: int64 [2], G and L.
      row_of_slot: int64 [G, L]; any row where a slot is empty, which no token sees.
      slot_of_row: int64 [T], in [0, G * L).
    """

    positions: str
    row_of_position: str
    first_rows: str
    has_tokens: str
    attention_bias: str
    sequences: str
    row_of_slot: str
    slot_of_row: str

    def by_position(self, graph: GraphBuilder, rows: str, size: int) -> str:
        """Returns rows [T, H] as [B, S, H], with zeros at padding."""
        padded = graph.add("Concat", rows, np.zeros([1, size], np.float32), axis=0)
        return graph.add("Gather", padded, self.row_of_position)


def write(graph: GraphBuilder, mask: str) -> Tokens:
    """Writes the layout for any mask int32 [B, S], 1 for tokens."""
    is_token = graph.cast(mask, np.bool_)  # [B, S]
    length = graph.add("Squeeze", graph.dimensions(mask, 1))
    columns = graph.add("Range", np.int64(0), length, np.int64(1))
    is_first = graph.add("Equal", columns, np.int64(0))  # [S]
    has_row = graph.add("Or", is_token, is_first)  # [B, S]
    positions = graph.add("Transpose", graph.add("NonZero", has_row), perm=[1, 0])  # [T, 2]
    count = graph.cast(has_row, np.int64)
    lengths = graph.add("ReduceSum", count, _SECOND, keepdims=0)  # [B]
    first_rows = graph.add("CumSum", lengths, np.int64(0), exclusive=1)  # [B]
    rank = graph.add("CumSum", count, np.int64(1), exclusive=1)  # [B, S]
    row_of_position = graph.add("Add", graph.add("Unsqueeze", first_rows, _LAST), rank)
    num_rows = graph.dimensions(positions, 0, 1)  # [1]
    is_row_of_token = graph.add("GatherND", graph.cast(is_token, np.int64), positions)  # [T]
    return Tokens(
        positions=positions,
        row_of_position=graph.add("Where", is_token, row_of_position, num_rows),
        first_rows=first_rows,
        has_tokens=_has_tokens(graph, is_token),
        **_slots(graph, lengths, rank, positions, is_row_of_token),
    )


def _slots(
    graph: GraphBuilder, lengths: str, rank: str, positions: str, is_token: str
) -> dict[str, str]:
    """Returns the fields of `Tokens` that are about attention.

    Args:
      graph: to write into.
      lengths: int64 [B], the number of rows of each example.
      rank: int64 [B, S], the number of rows before a position in its example.
      positions: int64 [T, 2].
      is_token: int64 [T], whether a row is of a token.
    """
    longest = _largest(graph, lengths)  # L, [1]
    group, start = _pack(graph, lengths, longest)  # [B], [B]
    num_groups = _largest(graph, graph.add("Add", group, np.array([1])))  # G, [1]
    sequences = graph.shape(num_groups, longest)  # [2]
    # The slot of a position: its example's first one, and the tokens before it.
    first_slot = graph.add("Add", graph.add("Mul", group, longest), start)  # [B]
    slots = graph.add("Add", graph.add("Unsqueeze", first_slot, _LAST), rank)  # [B, S]
    slot_of_row = graph.add("GatherND", slots, positions)  # [T]
    size = graph.add("Mul", num_groups, longest)

    def by_slot(values: str, empty: np.generic) -> str:
        found = graph.add("ScatterElements", graph.full(size, empty), slot_of_row, values, axis=0)
        return graph.add("Reshape", found, sequences, allowzero=1)  # [G, L]

    example = by_slot(graph.add("Gather", positions, np.int64(0), axis=1), np.int64(-1))
    is_key = graph.cast(by_slot(is_token, np.int64(0)), np.bool_)  # [G, L]
    num_rows = graph.add("Squeeze", graph.dimensions(positions, 0, 1))
    rows = graph.add("Range", np.int64(0), num_rows, np.int64(1))  # [T]
    return {
        "attention_bias": _attention_bias(graph, example, is_key),
        "sequences": sequences,
        "row_of_slot": by_slot(rows, np.int64(0)),
        "slot_of_row": slot_of_row,
    }


def _has_tokens(graph: GraphBuilder, is_token: str) -> str:
    count = graph.add("ReduceSum", graph.cast(is_token, np.float32), _SECOND, keepdims=1)
    return graph.add("Min", count, np.float32(1))  # [B, 1]


def _attention_bias(graph: GraphBuilder, example: str, is_key: str) -> str:
    """Returns float32 [G, 1, L, L]: a token sees the tokens of its own example."""
    queries, of_keys = (
        graph.add("Unsqueeze", example, np.array(axes)) for axes in ([1, 3], [1, 2])
    )
    sees = graph.add("Equal", queries, of_keys)
    sees = graph.add("And", sees, graph.add("Unsqueeze", is_key, np.array([1, 2])))
    return graph.add("Where", sees, np.float32(0), MASKED_SCORE)


def _largest(graph: GraphBuilder, values: str) -> str:
    """Returns the largest of int64 [B], and 0 of none, as [1]."""
    return graph.add(
        "ReduceMax", graph.add("Concat", values, np.array([0]), axis=0), _FIRST, keepdims=1
    )


def _pack(graph: GraphBuilder, lengths: str, capacity: str) -> tuple[str, str]:
    """Packs sequences into groups of `capacity` tokens, in order (next fit).

    Args:
      graph: to write into.
      lengths: int64 [B], none above `capacity`.
      capacity: int64 [1].

    Returns:
      int64 [B], [B]: the group of each sequence, and the sequence's start in the group.
    """
    # The body takes nothing from outside, not even constants: OpenVINO does not read that.
    before = graph.count
    fits = graph.add("LessOrEqual", graph.add("Add", "end_before", "length"), "capacity_before")
    group = graph.add("Add", "group_before", graph.cast(graph.add("Not", fits), np.int64))
    start = graph.add("Mul", "end_before", graph.cast(fits, np.int64))
    ends = {
        "group_after": group,
        "end_after": graph.add("Add", start, "length"),
        "capacity_after": "capacity_before",
        "group_of": group,
        "start_of": start,
    }
    names = ("group_before", "end_before", "capacity_before", "length")
    body = graph.subgraph(
        [(name, np.int64, [1]) for name in names],
        {name: (tensor, np.int64, [1]) for name, tensor in ends.items()},
        before,
    )
    zero = np.array([0])
    # One more, of length 0, because a batch may be empty, and a scan may not.
    by_one = graph.add("Unsqueeze", graph.add("Concat", lengths, zero, axis=0), _LAST)
    states = (zero, zero, capacity)
    found = graph.add_many("Scan", *states, by_one, count=5, body=body, num_scan_inputs=1)
    group, start = (
        graph.add("Slice", graph.add("Squeeze", one, _LAST), _FIRST, _LAST, _FIRST)
        for one in found[3:]
    )
    return group, start
