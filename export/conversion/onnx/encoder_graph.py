"""ALBERT as an ONNX graph: embeddings, blocks and pooler, with and without padding.

Example:
    made = encoder_graph.Encoder(graph, weights, variables=variables, config=config)
    outputs = made.padded(inputs)

Follows export/model/albert.py, block.py and unpadding.py, and computes the same. Dimension letters:
there.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from configs import albert_config, hub_api
from export.conversion.onnx import assertions, unpadded_rows
from export.conversion.onnx.graph_builder import GraphBuilder
from export.conversion.onnx.quantization import Float32

Variables = Mapping[str, np.ndarray]

_LAST, _SECOND = np.array([-1]), np.array([1])  # axes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Encoded:
    """The outputs of an encoder.

    Attributes:
      sequence_output: float32 [B, S, H].
      default: float32 [B, H], the pooled output; without a pooler the mean.
    """

    sequence_output: str
    default: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Layout:
    """Which rows the projections take, and where they are in attention's sequences.

    Attributes:
      attention_bias: float32 [B, 1, 1, S], or [G, 1, L, L].
      sequences: int64 [2], the number of sequences and their length.
      row_of_slot: int64 [G, L]; None where rows are slots.
      slot_of_row: int64 [T]; None where rows are slots.
    """

    attention_bias: str
    sequences: str
    row_of_slot: str | None = None
    slot_of_row: str | None = None


class Encoder:
    """Writes an encoder into a graph."""

    def __init__(
        self,
        graph: GraphBuilder,
        weights: Float32,
        *,
        variables: Variables,
        config: albert_config.AlbertConfig,
    ) -> None:
        """Takes what it is made of.

        Args:
          graph: to write into.
          weights: the form that they get.
          variables: the values of the encoder's variables, by name.
          config: the hyper-parameters.
        """
        self._graph = graph
        self._weights = weights
        self._variables = variables
        self._config = config
        self._query_key_values: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def padded(self, inputs: Mapping[str, str]) -> Encoded:
        """Writes the encoder that computes a row for every position.

        Args:
          inputs: int32 [B, S] of `ENCODER_INPUTS`, which `checked` has returned.
        """
        graph, config = self._graph, self._config
        word_ids, mask, type_ids = (inputs[name] for name in hub_api.ENCODER_INPUTS)
        shape = graph.dimensions(word_ids)  # [B, S]
        rows = self._embed(word_ids, self._range(graph.dimensions(word_ids, 1)), type_ids)  # [T, E]
        missing = graph.add("Sub", np.float32(1), graph.cast(mask, np.float32))  # [B, S]
        bias = graph.add("Mul", missing, unpadded_rows.MASKED_SCORE)
        layout = _Layout(
            attention_bias=graph.add("Unsqueeze", bias, np.array([1, 2])),  # [B, 1, 1, S]
            sequences=shape,
        )
        rows = self._transform(rows, layout)  # [T, H]
        sequence_output = graph.reshape(rows, shape, config.hidden_size)  # [B, S, H]
        first = graph.add("Gather", sequence_output, np.int64(0), axis=1)  # [B, H]
        pooled = self._pool(first) if config.pooler else None
        return self._encoded(sequence_output, pooled, mask)

    def unpadded(self, inputs: Mapping[str, str]) -> Encoded:
        """Writes the encoder that computes tokens only, and zeros for padding."""
        graph = self._graph
        word_ids, mask, type_ids = (inputs[name] for name in hub_api.ENCODER_INPUTS)
        tokens = unpadded_rows.write(graph, mask)
        words, types = (
            graph.add("GatherND", ids, tokens.positions) for ids in (word_ids, type_ids)
        )
        columns = graph.add("Gather", tokens.positions, np.int64(1), axis=1)  # [T]
        layout = _Layout(
            attention_bias=tokens.attention_bias,
            sequences=tokens.sequences,
            row_of_slot=tokens.row_of_slot,
            slot_of_row=tokens.slot_of_row,
        )
        rows = self._transform(self._embed(words, columns, types), layout)  # [T, H]
        sequence_output = tokens.by_position(graph, rows, self._config.hidden_size)  # [B, S, H]
        pooled = None
        if self._config.pooler:
            pooled = self._pool(graph.add("Gather", rows, tokens.first_rows))  # [B, H]
            pooled = graph.add("Mul", pooled, tokens.has_tokens)
        return self._encoded(sequence_output, pooled, mask)

    def checked(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """Returns the inputs, for which a runtime fails where the SavedModel does.

        Args:
          inputs: int32 [B, S] of `ENCODER_INPUTS`, and int32 [B, P] if there are positions.
        """
        graph, config = self._graph, self._config
        ids, mask, types = (inputs[name] for name in hub_api.ENCODER_INPUTS)
        shape, length = graph.dimensions(ids), graph.dimensions(ids, 1)
        shapes = dict.fromkeys(hub_api.ENCODER_INPUTS, shape)
        counts = [
            assertions.outside(graph, ids, np.int32(config.vocab_size)),
            assertions.outside(graph, types, np.int32(config.type_vocab_size)),
            assertions.other_sizes(graph, mask, shape),
            assertions.other_sizes(graph, types, shape),
            assertions.longer(graph, length, config.max_position_embeddings),
        ]
        positions = inputs.get(hub_api.MASKED_LM_POSITIONS)
        if positions is not None:
            shape = graph.shape(graph.dimensions(ids, 0, 1), graph.dimensions(positions, 1))
            shapes[hub_api.MASKED_LM_POSITIONS] = shape
            counts += [
                assertions.outside(graph, positions, graph.cast(length, np.int32)),
                assertions.other_sizes(graph, positions, shape),
            ]
        zero = assertions.require_none(graph, *counts)
        return {
            name: assertions.behind(graph, zero, inputs[name], shape)
            for name, shape in shapes.items()
        }

    def _range(self, length: str) -> str:
        """Returns 0, 1, ... as int64 [length] for int64 [1]."""
        graph = self._graph
        return graph.add("Range", np.int64(0), graph.add("Squeeze", length), np.int64(1))

    def _embed(self, word_ids: str, positions: str, type_ids: str) -> str:
        """Returns rows [T, E] for ids [B, S] or [T]."""
        graph, weights, config = self._graph, self._weights, self._config
        tables = {
            name: self._variables[f"{name}/embeddings"]
            for name in ("word_embeddings", "type_embeddings", "position_embedding")
        }
        rows = weights.embed(word_ids, tables["word_embeddings"], name="word_embeddings/embeddings")
        # Small, so they are stored as they are.
        for name, ids in (("type_embeddings", type_ids), ("position_embedding", positions)):
            table = graph.constant(tables[name], f"{name}/embeddings")
            rows = graph.add("Add", rows, graph.add("Gather", table, ids))
        rows = graph.reshape(rows, -1, config.embedding_size)
        rows = self._norm(rows, "embeddings/layer_norm")
        if not config.embedding_projection:
            return rows
        return self._dense(rows, "embedding_projection")  # [T, H]

    def _transform(self, rows: str, layout: _Layout) -> str:
        """Returns the rows [T, H] after the last layer."""
        config = self._config
        several = config.num_hidden_groups > 1 or config.inner_group_num > 1
        for layer in range(config.num_hidden_layers):
            group = config.group_of_layer(layer)
            for inner in range(config.inner_group_num):
                scope = f"transformer/group_{group}/inner_group_{inner}"
                rows = self._block(rows, layout, scope if several else "transformer")
        return rows

    def _block(self, rows: str, layout: _Layout, scope: str) -> str:
        graph, config = self._graph, self._config
        context = self._attend(rows, layout, f"{scope}/self_attention")  # [T, H]
        attention = self._dense(context, f"{scope}/self_attention/attention_output")
        rows = graph.add("Add", rows, attention)
        rows = self._norm(rows, f"{scope}/self_attention_layer_norm")
        output = self._dense(rows, f"{scope}/intermediate")  # [T, F]
        output = activate(graph, output, config.hidden_act)
        output = self._dense(output, f"{scope}/output")  # [T, H]
        return self._norm(graph.add("Add", rows, output), f"{scope}/output_layer_norm")

    def _attend(self, rows: str, layout: _Layout, scope: str) -> str:
        """Returns the contexts [T, H]."""
        graph, config = self._graph, self._config
        heads, width = config.num_attention_heads, config.head_size
        kernel, bias = self._query_key_value(scope)
        projected = self._weights.dense(rows, kernel, bias, name=f"{scope}/query_key_value")
        if layout.row_of_slot is not None:
            projected = graph.add("Gather", projected, layout.row_of_slot)  # [G, L, 3H]
        parts = graph.add_many("Split", projected, count=3, axis=-1, num_outputs=3)
        query, key, value = (
            graph.add("Transpose", graph.reshape(part, layout.sequences, heads, width), perm=perm)
            for part, perm in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
        )  # [G, N, L, D], the key [G, N, D, L]
        scores = graph.add("Add", graph.add("MatMul", query, key), layout.attention_bias)
        probs = graph.add("Softmax", scores, axis=-1)  # [G, N, L, L]
        context = graph.add("Transpose", graph.add("MatMul", probs, value), perm=[0, 2, 1, 3])
        context = graph.reshape(context, -1, config.hidden_size)  # [G * L, H]
        if layout.slot_of_row is None:
            return context
        return graph.add("Gather", context, layout.slot_of_row)  # [T, H]

    def _query_key_value(self, scope: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kernel [H, 3H] and the bias [3H]; the query's third over sqrt(D)."""
        if scope in self._query_key_values:
            return self._query_key_values[scope]
        hidden = self._config.hidden_size
        scales = (np.float32(self._config.head_size**-0.5), np.float32(1), np.float32(1))
        kernels, biases = (
            [
                self._variables[f"{scope}/{name}/{kind}"].reshape(*shape) * scale
                for name, scale in zip(("query", "key", "value"), scales, strict=True)
            ]
            for kind, shape in (("kernel", (hidden, hidden)), ("bias", (hidden,)))
        )
        joined = np.concatenate(kernels, axis=1), np.concatenate(biases)
        return self._query_key_values.setdefault(scope, joined)

    def _dense(self, rows: str, scope: str) -> str:
        kernel, bias = (self._variables[f"{scope}/{kind}"] for kind in ("kernel", "bias"))
        kernel = kernel.reshape(-1, bias.size)  # the attention's is [N, D, H]
        return self._weights.dense(rows, kernel, bias, name=scope)

    def _norm(self, rows: str, scope: str) -> str:
        return layer_norm(
            self._graph, rows, self._variables, scope, epsilon=self._config.layer_norm_eps
        )

    def _pool(self, first: str) -> str:
        return self._graph.add("Tanh", self._dense(first, "pooler_transform"))

    def _encoded(self, sequence_output: str, pooled: str | None, mask: str) -> Encoded:
        default = pooled or self._mean_of_tokens(sequence_output, mask)
        return Encoded(sequence_output=sequence_output, default=default)

    def _mean_of_tokens(self, sequence_output: str, mask: str) -> str:
        """Returns the mean [B, H] over the tokens of each row; zeros where there are none."""
        graph = self._graph
        is_token = graph.cast(graph.cast(mask, np.bool_), np.float32)
        is_token = graph.add("Unsqueeze", is_token, _LAST)  # [B, S, 1]
        total = graph.add("Mul", sequence_output, is_token)
        total = graph.add("ReduceSum", total, _SECOND, keepdims=0)  # [B, H]
        count = graph.add("ReduceSum", is_token, _SECOND, keepdims=0)  # [B, 1]
        return graph.add("Div", total, graph.add("Max", count, np.float32(1)))


def layer_norm(
    graph: GraphBuilder, rows: str, variables: Variables, scope: str, *, epsilon: float
) -> str:
    """Returns rows whose last axis is normalised with the gamma and beta of a scope."""
    gamma, beta = (
        graph.constant(variables[f"{scope}/{kind}"], f"{scope}/{kind}")
        for kind in ("gamma", "beta")
    )
    return graph.add("LayerNormalization", rows, gamma, beta, axis=-1, epsilon=epsilon)


def activate(graph: GraphBuilder, rows: str, hidden_act: str) -> str:
    """Returns the activation `hidden_act`, one of `albert_config.HIDDEN_ACTS`, of rows."""
    if hidden_act == albert_config.GELU_TANH:
        return graph.add("Gelu", rows, approximate="tanh")
    if hidden_act == albert_config.GELU_ERF:
        return graph.add("Gelu", rows, approximate="none")
    return rows if hidden_act == "linear" else graph.add(hidden_act.capitalize(), rows)
