"""Words for the mask of each text in ONNX, as export/tasks/fill_mask.py has them in TensorFlow.

Example:
    inputs = fill_mask_graph.inputs(graph, inputs, source=text_model)
    outputs = fill_mask_graph.write(graph, logits, source=text_model)

Dimension letters: export/model/albert.py; K words for each text.
"""

from collections.abc import Mapping

import numpy as np

from configs import hub_api
from export.conversion.onnx import assertions
from export.conversion.onnx.graph_builder import GraphBuilder, Output
from export.conversion.text import text_source

_BATCH = "batch"
_NUM_ANSWERS = 5  # of export/tasks/fill_mask.py, which imports TensorFlow
_SECOND = np.array([1])


def inputs(
    graph: GraphBuilder, encoder_inputs: Mapping[str, str], *, source: text_source.TextModel
) -> dict[str, str]:
    """Returns the inputs of the head: those of the encoder, and where the masks are.

    A runtime fails if a row has not exactly one mask.
    """
    word_ids = encoder_inputs[hub_api.INPUT_WORD_IDS]  # [B, S]
    mask_id = np.int32(source.tokenizer.described.mask_id)
    is_mask = graph.cast(graph.add("Equal", word_ids, mask_id), np.int64)
    number = graph.add("ReduceSum", is_mask, _SECOND, keepdims=0)  # [B]
    is_bad = graph.add("Not", graph.add("Equal", number, np.int64(1)))
    count = graph.add("ReduceSum", graph.cast(is_bad, np.int64), keepdims=0)
    positions = graph.add("ArgMax", is_mask, axis=1, keepdims=1)  # [B, 1]
    zero = assertions.require_none(graph, count)
    return {
        **encoder_inputs,
        hub_api.INPUT_WORD_IDS: assertions.behind(
            graph, zero, word_ids, graph.dimensions(word_ids)
        ),
        hub_api.MASKED_LM_POSITIONS: graph.cast(positions, np.int32),
    }


def write(graph: GraphBuilder, logits: str, *, source: text_source.TextModel) -> dict[str, Output]:
    """Returns the outputs for logits [B, 1, V]."""
    scores = graph.add("Softmax", graph.add("Squeeze", logits, _SECOND), axis=-1)  # [B, V]
    pieces = np.array([source.tokenizer.described.vocab_size])
    possible = graph.add("Slice", scores, np.array([0]), pieces, _SECOND)
    best, ids = graph.add_many("TopK", possible, np.array([_NUM_ANSWERS]), count=2, axis=1)
    words = np.array(source.texts_of(range(pieces[0])), np.str_)
    tokens = graph.add("Gather", words, ids)  # [B, K]
    shape: list[str | int] = [_BATCH, _NUM_ANSWERS]
    return {
        hub_api.TOKENS: (tokens, np.str_, shape),
        hub_api.SCORES: (best, np.float32, shape),
        hub_api.FILLED_SENTENCES: (_filled(graph, tokens, source.mask), np.str_, shape),
    }


def _filled(graph: GraphBuilder, tokens: str, mask: str) -> str:
    """Returns the texts as they were written, with each of the tokens in place of the mask."""
    parts, _ = graph.add_many("StringSplit", hub_api.SENTENCES, count=2, delimiter=mask, maxsplit=1)
    # A text may lack the mask literally, where the tokenizer makes one of something else.
    size = graph.shape(graph.dimensions(hub_api.SENTENCES), 2)
    nothing = graph.add("Expand", np.array([[""]]), size)
    parts = graph.add("Concat", parts, nothing, axis=1)
    before, after = (graph.add("Gather", parts, np.array([one]), axis=1) for one in (0, 1))
    return graph.add("StringConcat", graph.add("StringConcat", before, tokens), after)
