"""A text model as one ONNX graph, from strings to labels or vectors.

Example:
    model = text_graph.make(signature, source=text_model, quantize="none")

The tokenizer is the operator `SentencepieceTokenizer` of onnxruntime-extensions, which does not
give the places of tokens in the text: tags and answers have no graph here. Dimension letters:
export/model/albert.py.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from configs import head_config, hub_api, pooling
from export.conversion import source as sources
from export.conversion.onnx import (
    encoder_graph,
    fill_mask_graph,
    head_graphs,
    packed_texts,
    quantization,
    text_tokenizer,
)
from export.conversion.onnx.graph_builder import GraphBuilder, Output
from export.conversion.text import text_source

_BATCH = "batch"
_SECOND, _LAST = np.array([1]), np.array([-1])
_TINY = np.float32(1e-12)  # of tf.math.l2_normalize, whose root is taken


def make(signature: sources.Signature, *, source: text_source.TextModel, quantize: str) -> Any:
    """Returns the model, an `onnx.ModelProto`.

    Args:
      signature: of the text model.
      source: the text model.
      quantize: one of `quantization.FORMS`.
    """
    graph = GraphBuilder({name: [_BATCH] for name in signature.inputs}, dtype=np.str_)
    texts = list(signature.inputs)
    if source.pooling.prompt:
        texts = [graph.add("StringConcat", np.array(source.pooling.prompt), one) for one in texts]
    segments = text_tokenizer.write(graph, texts, source.compiled.model)
    outputs = write(graph, segments, signature=signature, source=source, quantize=quantize)
    if hub_api.LABEL in outputs:
        number, _, shape = outputs[hub_api.LABEL]
        labels = np.array(source.heads[0].labels, np.str_)
        outputs[hub_api.LABEL] = graph.add("Gather", labels, number), np.str_, shape
    return graph.model(outputs, name=signature.name)


def write(
    graph: GraphBuilder,
    segments: Sequence[packed_texts.Segment],
    *,
    signature: sources.Signature,
    source: text_source.TextModel,
    quantize: str,
) -> dict[str, Output]:
    """Returns the outputs; as a label its number, int64 [B].

    Args:
      graph: to write into.
      segments: the tokens of the signature's inputs.
      signature: of the text model.
      source: the text model.
      quantize: one of `quantization.FORMS`.
    """
    inputs, truncated = packed_texts.write(graph, segments, source=source)
    if signature.head == hub_api.MLM:
        inputs = fill_mask_graph.inputs(graph, inputs, source=source)
    weights = quantization.FORMS[quantize](graph)
    encoder = encoder_graph.Encoder(
        graph, weights, variables=source.variables, config=source.config
    )
    encoded = encoder.unpadded(inputs)
    written: dict[str, Output]
    if signature.head is None:
        vectors = _vectors(graph, weights, source, inputs, encoded)
        size = _size(source)
        written = {hub_api.DEFAULT: (vectors, np.float32, [_BATCH, size])}
    else:
        head = head_graphs.Head(
            graph=graph,
            weights=weights,
            variables=source.variables,
            config=source.config,
            inputs=inputs,
            encoded=encoded,
            unpadded=True,
        )
        outputs = head_graphs.write(signature.head, head, by_beam=False)
        written = (
            fill_mask_graph.write(graph, outputs[hub_api.MLM_LOGITS], source=source)
            if signature.head == hub_api.MLM
            else _classified(graph, source.heads[0], outputs[hub_api.LOGITS])
        )
    written[hub_api.TRUNCATED] = (truncated, np.bool_, [_BATCH])
    return {name: written[name] for name in signature.outputs}


def _classified(
    graph: GraphBuilder, head: head_config.HeadConfig, logits: str
) -> dict[str, Output]:
    """Returns the numbers of labels, and scores, as export/tasks/classify.py has them."""
    scores = logits
    if head.problem_type == head_config.MULTI_LABEL or (
        head.problem_type == head_config.SINGLE_LABEL and len(head.labels) == 1
    ):
        scores = graph.add("Sigmoid", logits)
    elif head.problem_type == head_config.SINGLE_LABEL:
        scores = graph.add("Softmax", logits, axis=-1)
    best = graph.add("ArgMax", scores, axis=1, keepdims=0)  # [B]
    return {
        hub_api.LABEL: (best, np.int64, [_BATCH]),
        hub_api.SCORE: (
            graph.add("ReduceMax", scores, _SECOND, keepdims=0),
            np.float32,
            [_BATCH],
        ),
        hub_api.SCORES: (scores, np.float32, [_BATCH, len(head.labels)]),
    }


def _size(source: text_source.TextModel) -> int:
    if source.pooling.dense:
        return int(source.pooling.dense[-1].bias.size)
    return source.config.hidden_size * len(source.pooling.modes)


def _vectors(
    graph: GraphBuilder,
    weights: quantization.Float32,
    source: text_source.TextModel,
    inputs: Mapping[str, str],
    encoded: encoder_graph.Encoded,
) -> str:
    """Returns the vectors [B, X], as export/tasks/embed.py has them."""
    mask = graph.cast(inputs[hub_api.INPUT_MASK], np.float32)  # [B, S]
    pooled = [
        encoded.default
        if mode == pooling.POOLED
        else _POOLINGS[mode](graph, encoded.sequence_output, mask)
        for mode in source.pooling.modes
    ]
    vectors = graph.add("Concat", *pooled, axis=1) if len(pooled) > 1 else pooled[0]
    for number, layer in enumerate(source.pooling.dense):
        vectors = weights.dense(vectors, layer.kernel, layer.bias, name=f"dense_{number}")
        vectors = encoder_graph.activate(graph, vectors, layer.activation)
    if not source.pooling.normalize:
        return vectors
    squares = graph.add("ReduceSum", graph.add("Mul", vectors, vectors), _SECOND, keepdims=1)
    return graph.add("Div", vectors, graph.add("Sqrt", graph.add("Max", squares, _TINY)))


def _sum(graph: GraphBuilder, states: str, weights: str) -> tuple[str, str]:
    """Returns the sum [B, H] of states [B, S, H] by weights [B, S], and that of the weights."""
    weighted = graph.add("Mul", states, graph.add("Unsqueeze", weights, _LAST))
    total = graph.add("ReduceSum", weighted, _SECOND, keepdims=0)
    return total, graph.add("ReduceSum", weights, _SECOND, keepdims=1)


def _mean(graph: GraphBuilder, states: str, mask: str) -> str:
    return graph.add("Div", *_sum(graph, states, mask))


def _mean_sqrt(graph: GraphBuilder, states: str, mask: str) -> str:
    total, count = _sum(graph, states, mask)
    return graph.add("Div", total, graph.add("Sqrt", count))


def _weighted(graph: GraphBuilder, states: str, mask: str) -> str:
    return _mean(graph, states, graph.add("CumSum", mask, np.int64(1)))


def _max(graph: GraphBuilder, states: str, mask: str) -> str:
    is_token = graph.add("Unsqueeze", graph.cast(mask, np.bool_), _LAST)
    seen = graph.add("Where", is_token, states, np.float32(-1e9))
    return graph.add("ReduceMax", seen, _SECOND, keepdims=0)


def _first(graph: GraphBuilder, states: str, mask: str) -> str:
    return graph.add("Gather", states, np.int64(0), axis=1)


def _last(graph: GraphBuilder, states: str, mask: str) -> str:
    count = graph.cast(graph.add("ReduceSum", mask, _SECOND, keepdims=1), np.int64)  # [B, 1]
    place = graph.add("Sub", count, np.int64(1))
    return graph.add("GatherND", states, place, batch_dims=1)


_POOLINGS: Mapping[str, Callable[[GraphBuilder, str, str], str]] = {
    "first": _first,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted,
    "lasttoken": _last,
}
