"""Rows of one text or of two in ONNX, as export/tasks/texts.py has them in TensorFlow.

Example:
    inputs, truncated = packed_texts.write(graph, [first, second], source=text_model)

A row is `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`, then padding to the longest row of the batch.
Dimension letters: export/model/albert.py.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from configs import hub_api
from export.conversion.onnx import assertions
from export.conversion.onnx.graph_builder import GraphBuilder
from export.conversion.text import text_source

_FIRST, _LAST = np.array([0]), np.array([-1])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Segment:
    """The tokens of one text of each row.

    Attributes:
      ids: int32 [T], of all texts.
      starts: int64 [B], where those of each text start among the ids.
      lengths: int64 [B], their numbers.
    """

    ids: str
    starts: str
    lengths: str


def write(
    graph: GraphBuilder, segments: Sequence[Segment], *, source: text_source.TextModel
) -> tuple[dict[str, str], str]:
    """Returns the encoder's inputs, int32 [B, S], and which rows were cut, bool [B].

    Args:
      graph: to write into.
      segments: one, or two.
      source: says after how many tokens a row is cut, and how.
    """
    room = source.room(len(segments))
    lengths = [segment.lengths for segment in segments]
    total = functools.reduce(functools.partial(graph.add, "Add"), lengths)  # [B]
    kept = _kept_lengths(graph, lengths, room, is_fair=source.has_fair_pairs)
    columns = _columns(graph, kept)  # [S]
    described = source.tokenizer.described
    ends, padding = np.int32(described.end_of_segment_id), np.int32(described.padding_id)
    is_first = graph.add("Equal", columns, np.int64(0))
    word_ids = graph.add("Where", is_first, np.int32(described.start_of_sequence_id), padding)
    first: str | np.ndarray = np.ones([1, 1], np.int64)  # the column of a segment's first token
    for segment, count in zip(segments, kept, strict=True):
        count = graph.add("Unsqueeze", count, _LAST)  # [B, 1]
        rank = graph.add("Sub", columns, first)  # [B, S]
        is_token = graph.add(
            "And", graph.add("Less", np.int64(-1), rank), graph.add("Less", rank, count)
        )
        start = graph.add("Unsqueeze", segment.starts, _LAST)
        place = graph.add("Where", is_token, graph.add("Add", start, rank), np.int64(0))
        # One more id, because there may be none.
        ids = graph.add("Concat", segment.ids, np.zeros(1, np.int32), axis=0)
        word_ids = graph.add("Where", graph.add("Equal", rank, count), ends, word_ids)
        word_ids = graph.add("Where", is_token, graph.add("Gather", ids, place), word_ids)
        first = graph.add("Add", graph.add("Add", first, count), np.int64(1))
    mask = graph.cast(graph.add("Less", columns, first), np.int32)
    types = graph.full(graph.dimensions(mask), np.int32(0))
    if len(segments) > 1:
        is_second = graph.cast(graph.add("LessOrEqual", np.int64(0), rank), np.int32)
        types = graph.add("Mul", is_second, mask)
        size = graph.dimensions(lengths[1])
        other_sizes = assertions.other_sizes(graph, lengths[0], size)
        zero = assertions.require_none(graph, other_sizes)
        word_ids = assertions.behind(graph, zero, word_ids, graph.dimensions(word_ids))
    truncated = graph.add("Greater", total, np.int64(room))
    return dict(zip(hub_api.ENCODER_INPUTS, (word_ids, mask, types), strict=True)), truncated


def _kept_lengths(
    graph: GraphBuilder, lengths: Sequence[str], room: int, *, is_fair: bool
) -> list[str]:
    """Returns the tokens [B] of each segment that fit into `room`.

    Each of two has half of it, and what the other one leaves; of an odd one the first has more, or
    with `is_fair` the longer one, and of equals the second.
    """
    if len(lengths) == 1:
        return [graph.add("Min", lengths[0], np.int64(room))]
    smaller, larger = np.int64(room // 2), np.int64(room - room // 2)
    halves: tuple[str | np.int64, str | np.int64] = (larger, smaller)
    if is_fair:
        is_first_longer = graph.add("Greater", *lengths)
        halves = (
            graph.add("Where", is_first_longer, larger, smaller),
            graph.add("Where", is_first_longer, smaller, larger),
        )
    return [
        graph.add("Min", length, graph.add("Max", half, graph.add("Sub", np.int64(room), other)))
        for length, half, other in zip(lengths, halves, reversed(lengths), strict=True)
    ]


def _columns(graph: GraphBuilder, kept: Sequence[str]) -> str:
    """Returns 0, 1, ... for the columns of the longest row, int64 [S]."""
    total = functools.reduce(functools.partial(graph.add, "Add"), kept)  # [B]
    # A batch may be empty.
    longest = graph.add("ReduceMax", graph.add("Concat", total, _FIRST, axis=0), keepdims=0)
    end = graph.add("Add", longest, np.int64(text_source.NUM_SPECIAL_TOKENS[len(kept)]))
    return graph.add("Range", np.int64(0), end, np.int64(1))
