"""The heads of pre-training and of fine-tuned models as ONNX, over an encoder's outputs.

Example:
    outputs = head_graphs.write("classify", head, by_beam=False)

Follows export/model/heads.py and task_heads.py, and computes the same. Dimension letters: there.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from configs import albert_config, hub_api
from export.conversion.onnx import encoder_graph
from export.conversion.onnx.graph_builder import GraphBuilder
from export.conversion.onnx.quantization import Float32

_IMPOSSIBLE = np.float32(-1e30)
_EPSILON = 1e-12
_LAST, _SECOND = np.array([-1]), np.array([1])

Outputs = dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head:
    """What a head is written with.

    Attributes:
      graph: to write into.
      weights: the form that they get.
      variables: the values of all variables, by name.
      config: the hyper-parameters.
      inputs: int32 by name.
      encoded: the encoder's outputs.
      unpadded: whether what stands at padding is zero.
    """

    graph: GraphBuilder
    weights: Float32
    variables: encoder_graph.Variables
    config: albert_config.AlbertConfig
    inputs: Mapping[str, str]
    encoded: encoder_graph.Encoded
    unpadded: bool

    @property
    def is_token(self) -> str:
        """Bool [B, S]."""
        return self.graph.cast(self.inputs[hub_api.INPUT_MASK], np.bool_)

    def dense(self, rows: str, scope: str) -> str:
        """Returns rows [T, inputs] @ kernel + bias, [T, outputs]."""
        kernel, bias = (self.variables[f"{scope}/{kind}"] for kind in ("kernel", "bias"))
        return self.weights.dense(rows, kernel, bias, name=scope)

    def dense_by_position(self, scope: str) -> str:
        """Returns the sequence output [B, S, H] @ kernel + bias, [B, S, X]."""
        graph, hidden = self.graph, self.encoded.sequence_output
        rows = self.dense(graph.reshape(hidden, -1, self.config.hidden_size), scope)
        size = self.variables[f"{scope}/bias"].size
        return graph.reshape(rows, graph.dimensions(hidden, 0, 2), size)

    def at_tokens(self, values: str, axis: int) -> str:
        """Returns values, and zeros at padding; `axis` is what the mask [B, S] lacks, or -1."""
        if not self.unpadded:
            return values
        mask = self.graph.add("Unsqueeze", self.is_token, np.array([axis]))
        return self.graph.add("Where", mask, values, np.float32(0))

    def states(self, positions: str) -> str:
        """Returns the sequence output at int64 positions [B, P], [B, P, H]."""
        index = self.graph.add("Unsqueeze", positions, _LAST)
        return self.graph.add("GatherND", self.encoded.sequence_output, index, batch_dims=1)

    def column(self, values: str, number: int, axis: int) -> str:
        """Returns one column of an axis, which is left out."""
        return self.graph.add("Gather", values, np.int64(number), axis=axis)


def _mlm(head: Head) -> Outputs:
    graph, config, scope = head.graph, head.config, "cls/predictions"
    positions = graph.cast(head.inputs[hub_api.MASKED_LM_POSITIONS], np.int64)  # [B, P]
    rows = graph.reshape(head.states(positions), -1, config.hidden_size)  # [B * P, H]
    rows = head.dense(rows, f"{scope}/transform/dense")  # [B * P, E]
    rows = encoder_graph.activate(graph, rows, config.hidden_act)
    epsilon = config.mlm_layer_norm_eps or config.layer_norm_eps
    norm = f"{scope}/transform/LayerNorm"
    rows = encoder_graph.layer_norm(graph, rows, head.variables, norm, epsilon=epsilon)
    name = "word_embeddings/embeddings"
    if not config.tie_word_embeddings:
        name = f"{scope}/decoder/embeddings"
    bias = head.variables[f"{scope}/output_bias/bias"]
    logits = head.weights.scores(rows, head.variables[name], bias, name=name)  # [B * P, V]
    shape = graph.dimensions(positions)
    return {hub_api.MLM_LOGITS: graph.reshape(logits, shape, config.vocab_size)}


def _sop(head: Head) -> Outputs:
    return {hub_api.SOP_LOGITS: head.dense(head.encoded.default, "cls/seq_relationship")}


def _classify(head: Head) -> Outputs:
    return {hub_api.LOGITS: head.dense(head.encoded.default, "cls/classify")}


def _choose(head: Head) -> Outputs:
    """Returns the logits [B * N, 1]."""
    return {hub_api.LOGITS: head.dense(head.encoded.default, "cls/choose")}


def _tag(head: Head) -> Outputs:
    return {hub_api.LOGITS: head.at_tokens(head.dense_by_position("cls/tag"), -1)}


def _answer(head: Head) -> Outputs:
    logits = head.at_tokens(head.dense_by_position("cls/answer"), -1)  # [B, S, 2]
    return {
        hub_api.START_LOGITS: head.column(logits, 0, 2),
        hub_api.END_LOGITS: head.column(logits, 1, 2),
    }


def _answer_by_beam(head: Head) -> Outputs:
    graph = head.graph
    scope = "cls/answer_beam"
    start_logits = head.dense_by_position(f"{scope}/start_logits")  # [B, S, 1]
    values = head.column(start_logits, 0, 2)  # [B, S]
    possible = graph.add("Where", _may_start(head), values, _IMPOSSIBLE)
    length = graph.dimensions(possible, 1)  # [1]
    count = graph.add("Min", length, np.array([head.config.start_n_top]))  # K
    best, indices = graph.add_many("TopK", possible, count, count=2, axis=1)  # [B, K]
    is_possible = graph.add("Greater", best, _IMPOSSIBLE)
    positions = graph.add("Where", is_possible, indices, np.int64(0))  # [B, K]
    end_logits = _end_logits(head, head.states(positions), f"{scope}/end_logits")  # [B, K, S]
    probs = graph.add("Softmax", possible, axis=1)  # [B, S]
    return {
        hub_api.START_LOGITS: head.column(head.at_tokens(start_logits, -1), 0, 2),
        hub_api.END_LOGITS: head.at_tokens(end_logits, 1),
        hub_api.START_POSITIONS: graph.cast(positions, np.int32),
        hub_api.CLS_LOGITS: _cls_logits(head, probs, f"{scope}/answer_class"),
    }


def _end_logits(head: Head, starts: str, scope: str) -> str:
    """Returns the logits [B, K, S] of the ends for the states [B, K, H] of the starts."""
    graph, size = head.graph, head.config.hidden_size
    kernel = head.variables[f"{scope}/dense_0/kernel"]
    bias = head.variables[f"{scope}/dense_0/bias"]
    hidden = head.encoded.sequence_output
    parts = (
        (hidden, kernel[:size], np.zeros_like(bias), "of_end", 1),
        (starts, kernel[size:], bias, "of_start", 2),
    )
    joined = []
    for states, part, added, name, axis in parts:
        rows = graph.reshape(states, -1, size)
        rows = head.weights.dense(rows, part, added, name=f"{scope}/dense_0/{name}")
        states = graph.add("Reshape", rows, graph.dimensions(states), allowzero=1)
        joined.append(graph.add("Unsqueeze", states, np.array([axis])))
    features = graph.add("Tanh", graph.add("Add", *joined))  # [B, K, S, H]
    rows = graph.reshape(features, -1, size)
    norm = f"{scope}/LayerNorm"
    rows = encoder_graph.layer_norm(graph, rows, head.variables, norm, epsilon=_EPSILON)
    logits = head.dense(rows, f"{scope}/dense_1")
    return graph.add("Reshape", logits, graph.dimensions(features, 0, 3), allowzero=1)


def _cls_logits(head: Head, probs: str, scope: str) -> str:
    """Returns the logits [B] for the probabilities [B, S] of the starts."""
    graph, hidden = head.graph, head.encoded.sequence_output
    weighted = graph.add("Mul", hidden, graph.add("Unsqueeze", probs, _LAST))
    start = graph.add("ReduceSum", weighted, _SECOND, keepdims=0)  # [B, H]
    joined = graph.add("Concat", start, head.column(hidden, 0, 1), axis=1)  # [B, 2 * H]
    features = graph.add("Tanh", head.dense(joined, f"{scope}/dense_0"))
    kernel = head.variables[f"{scope}/dense_1/kernel"]  # [H, 1]
    no_bias = np.zeros(1, np.float32)
    logits = head.weights.dense(features, kernel, no_bias, name=f"{scope}/dense_1")
    return head.column(logits, 0, 1)


def _may_start(head: Head) -> str:
    """Returns where an answer may start, bool [B, S]."""
    graph, is_token = head.graph, head.is_token
    counted = graph.cast(is_token, np.int32)
    after = graph.add("CumSum", counted, np.int64(1), exclusive=1, reverse=1)
    is_second = graph.cast(head.inputs[hub_api.INPUT_TYPE_IDS], np.bool_)
    in_context = graph.add(
        "And", graph.add("And", is_token, is_second), graph.cast(after, np.bool_)
    )
    length = graph.add("Squeeze", graph.dimensions(is_token, 1))
    columns = graph.add("Range", np.int64(0), length, np.int64(1))
    return graph.add("Or", in_context, graph.add("Equal", columns, np.int64(0)))


HEADS: Mapping[str, Callable[[Head], Outputs]] = {
    hub_api.MLM: _mlm,
    hub_api.SOP: _sop,
    hub_api.CLASSIFY: _classify,
    hub_api.TAG: _tag,
    hub_api.ANSWER: _answer,
    hub_api.CHOOSE: _choose,
}


def write(kind: str, head: Head, *, by_beam: bool) -> Outputs:
    """Writes a head; returns its outputs by name.

    Args:
      kind: one of `HEADS`.
      head: what it is written with.
      by_beam: of an answer, whether the ends depend on the starts.
    """
    return _answer_by_beam(head) if by_beam else HEADS[kind](head)
