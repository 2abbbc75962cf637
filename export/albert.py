"""The ALBERT encoder: variables made once, and the computation over them.

    encoder = albert.Encoder(albert_config.load("large"))
    outputs = encoder(inputs, training=False)

Follows google-research/albert's modeling.py (https://arxiv.org/abs/1909.11942); names and shapes of
the variables are Model Garden's. Dimension letters, here and everywhere:

    B batch                S sequence length      T rows, B * S tokens
    E embedding size       H hidden size          F intermediate size
    N attention heads      D width of a head      V vocabulary
    P masked positions
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from configs import albert_config
from export import hub_api

# Added to the attention scores of padding; the original's constant (modeling.py, attention_layer).
_MASKED_SCORE = -10000.0

ACTIVATIONS = {
    albert_config.GELU_TANH: lambda x: tf.nn.gelu(x, approximate=True),
    albert_config.GELU_ERF: lambda x: tf.nn.gelu(x, approximate=False),
    "relu": tf.nn.relu,
    "tanh": tf.nn.tanh,
    "linear": tf.identity,
}


class Dense(NamedTuple):
    """Weights of `x @ kernel + bias`."""

    kernel: tf.Variable
    bias: tf.Variable


class LayerNorm(NamedTuple):
    """Scale and offset of a layer normalisation."""

    gamma: tf.Variable
    beta: tf.Variable


class Block(NamedTuple):
    """Weights of a Transformer block; the order is that of the artifact's `variables`."""

    query: Dense  # kernel [H, N, D], bias [N, D]; likewise key and value
    key: Dense
    value: Dense
    attention_output: Dense  # kernel [N, D, H], bias [H]
    attention_norm: LayerNorm  # [H]
    intermediate: Dense  # kernel [H, F], bias [F]
    output: Dense  # kernel [F, H], bias [H]
    output_norm: LayerNorm  # [H]


class MatMulBlock(NamedTuple):
    """The weights of a `Block` as its matrix products take them, made once per call."""

    query_key_value: Dense  # kernel [H, 3H], bias [3H]; the query's share is divided by sqrt(D)
    attention_output: Dense  # kernel [H, H], bias [H]
    attention_norm: LayerNorm
    intermediate: Dense
    output: Dense
    output_norm: LayerNorm


class Encoder:
    """Embeddings, Transformer blocks and pooler.

    Attributes:
      config: the hyper-parameters.
      word_embeddings: float32 [V, E].
      variables: all variables, in the order of the contract; zeros until somebody fills them.
    """

    def __init__(self, config: albert_config.AlbertConfig) -> None:
        self.config = config
        embedding, hidden = config.embedding_size, config.hidden_size
        self.word_embeddings = variable(
            "word_embeddings/embeddings", [config.vocab_size, embedding]
        )
        self._position_embeddings = variable(
            "position_embedding/embeddings", [config.max_position_embeddings, embedding]
        )
        self._type_embeddings = variable(
            "type_embeddings/embeddings", [config.type_vocab_size, embedding]
        )
        self._embedding_norm = layer_norm_weights("embeddings/layer_norm", embedding)
        self._projection = (
            dense_weights("embedding_projection", [embedding], [hidden])
            if config.embedding_projection
            else None
        )
        self._groups = [
            [
                _block_weights(_block_scope(config, group, inner), config)
                for inner in range(config.inner_group_num)
            ]
            for group in range(config.num_hidden_groups)
        ]
        self._pooler = dense_weights("pooler_transform", [hidden], [hidden])
        self.variables: list[tf.Variable] = [
            weight
            for weight in tf.nest.flatten(
                [
                    self.word_embeddings,
                    self._position_embeddings,
                    self._type_embeddings,
                    self._embedding_norm,
                    self._projection,
                    self._groups,
                    self._pooler,
                ]
            )
            if weight is not None
        ]
        # The graph holds one block for all layers, and one encoder for all that is built on it: a
        # concrete function, because calls of a `tf.function` may trace it again while saving.
        self._block = tf.function(self._block_body, autograph=False)
        self._dropout = bool(config.hidden_dropout_prob or config.attention_probs_dropout_prob)
        self._encode = {training: self._trace(training) for training in {False, self._dropout}}

    def __call__(self, inputs: Mapping[str, tf.Tensor], *, training: bool) -> dict[str, Any]:
        """Encodes a batch.

        Args:
          inputs: int32 [B, S] `input_word_ids`, `input_mask` (1 for tokens, 0 for padding) and
            `input_type_ids`.
          training: whether dropout is on.

        Returns:
          float32 `pooled_output` and `default` [B, H], `sequence_output` [B, S, H], and
          `encoder_outputs`, a list of `num_hidden_layers` tensors [B, S, H].

        Raises:
          tf.errors.InvalidArgumentError: S exceeds `max_position_embeddings`, an id is outside its
            table, or the inputs' shapes differ.
        """
        encode = self._encode[training and self._dropout]
        return encode({name: inputs[name] for name in hub_api.ENCODER_INPUTS})

    def _trace(self, training: bool) -> tf.types.experimental.ConcreteFunction:
        @tf.function(autograph=False)
        def encode(inputs: Mapping[str, tf.Tensor]) -> dict[str, Any]:
            return self._encode_body(inputs, training=training)

        return encode.get_concrete_function(
            {name: tf.TensorSpec([None, None], tf.int32) for name in hub_api.ENCODER_INPUTS}
        )

    def _encode_body(self, inputs: Mapping[str, tf.Tensor], *, training: bool) -> dict[str, Any]:
        config = self.config
        word_ids, mask, type_ids = self._checked(inputs)
        batch_size, seq_length = tf.unstack(tf.shape(word_ids))
        hidden = self._embed(word_ids, type_ids, training)  # [T, H]
        adder = (1.0 - tf.cast(mask, tf.float32)) * _MASKED_SCORE  # [B, S]
        groups = [[_matmul_block(block, config) for block in group] for group in self._groups]
        layers = []
        for layer in range(config.num_hidden_layers):
            for block in groups[config.group_of_layer(layer)]:
                hidden = self._block(hidden, adder, block, training)  # [T, H]
            layers.append(tf.reshape(hidden, [batch_size, seq_length, config.hidden_size]))
        sequence_output = layers[-1]  # [B, S, H]
        pooled_output = tf.tanh(dense(sequence_output[:, 0, :], self._pooler))  # [B, H]
        return {
            hub_api.DEFAULT: pooled_output,
            hub_api.POOLED_OUTPUT: pooled_output,
            hub_api.SEQUENCE_OUTPUT: sequence_output,
            hub_api.ENCODER_OUTPUTS: layers,
        }

    def _checked(self, inputs: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        """Returns word ids, mask and type ids; using them asserts that they are in range."""
        config = self.config
        word_ids = inputs[hub_api.INPUT_WORD_IDS]
        type_ids = inputs[hub_api.INPUT_TYPE_IDS]
        shape = tf.shape(word_ids)
        checks = [
            tf.debugging.Assert(
                shape[1] <= config.max_position_embeddings,
                [
                    f"seq_length must be at most {config.max_position_embeddings}, the number of "
                    "position embeddings; got",
                    shape[1],
                ],
            ),
            check_range(word_ids, config.vocab_size, "input_word_ids", "the vocabulary size"),
            check_range(type_ids, config.type_vocab_size, "input_type_ids", "the number of types"),
        ]
        checks += [
            tf.debugging.Assert(
                tf.reduce_all(tf.equal(tf.shape(inputs[name]), shape)),
                [
                    f"{name} must have the shape of input_word_ids; got",
                    tf.shape(inputs[name]),
                    shape,
                ],
            )
            for name in hub_api.ENCODER_INPUTS
        ]
        with tf.control_dependencies(checks):
            # Where the shapes are static, building the graph fails before any assertion runs, with
            # the name of the op in the message.
            return tuple(
                tf.reshape(
                    inputs[name], shape, name=f"{name}_must_have_the_shape_of_input_word_ids"
                )
                for name in hub_api.ENCODER_INPUTS
            )

    def _embed(self, word_ids: tf.Tensor, type_ids: tf.Tensor, training: bool) -> tf.Tensor:
        config = self.config
        seq_length = tf.shape(word_ids)[1]
        embeddings = tf.gather(self.word_embeddings, word_ids)  # [B, S, E]
        embeddings += tf.gather(self._type_embeddings, type_ids)  # [B, S, E]
        # Gathered, not sliced: shape inference would refuse a slice that is too short, with words
        # about broadcasting, before the assertion can say what the limit is.
        embeddings += tf.gather(self._position_embeddings, tf.range(seq_length))  # [S, E]
        rows = tf.reshape(embeddings, [-1, config.embedding_size])  # [T, E]
        rows = layer_norm(rows, self._embedding_norm, config.layer_norm_eps)  # [T, E]
        rows = _dropout(rows, config.hidden_dropout_prob, training)  # [T, E]
        return dense(rows, self._projection) if self._projection else rows  # [T, H]

    def _block_body(
        self, hidden: tf.Tensor, adder: tf.Tensor, weights: MatMulBlock, training: bool
    ) -> tf.Tensor:
        """One Transformer block on rows [T, H]: every projection is one two-dimensional product."""
        config = self.config
        dropout, eps = config.hidden_dropout_prob, config.layer_norm_eps
        context = self._attend(dense(hidden, weights.query_key_value), adder, training)  # [T, H]
        attention = _dropout(dense(context, weights.attention_output), dropout, training)  # [T, H]
        hidden = layer_norm(hidden + attention, weights.attention_norm, eps)  # [T, H]
        activation = ACTIVATIONS[config.hidden_act]
        output = activation(dense(hidden, weights.intermediate))  # [T, F]
        output = _dropout(dense(output, weights.output), dropout, training)  # [T, H]
        return layer_norm(hidden + output, weights.output_norm, eps)  # [T, H]

    def _attend(self, query_key_value: tf.Tensor, adder: tf.Tensor, training: bool) -> tf.Tensor:
        """Multi-head attention on projected rows [T, 3H]; returns the heads' contexts [T, H]."""
        config = self.config
        batch_size, seq_length = tf.unstack(tf.shape(adder))
        heads_shape = [batch_size, seq_length, config.num_attention_heads, config.head_size]
        query, key, value = (
            tf.transpose(tf.reshape(rows, heads_shape), [0, 2, 1, 3])  # [B, N, S, D]
            for rows in tf.split(query_key_value, 3, axis=-1)
        )
        scores = tf.matmul(query, key, transpose_b=True)  # [B, N, S, S]
        scores += adder[:, tf.newaxis, tf.newaxis, :]  # [B, N, S, S]
        probs = tf.nn.softmax(scores)  # [B, N, S, S]
        probs = _dropout(probs, config.attention_probs_dropout_prob, training)
        context = tf.matmul(probs, value)  # [B, N, S, D]
        context = tf.transpose(context, [0, 2, 1, 3])  # [B, S, N, D]
        return tf.reshape(context, [-1, config.hidden_size])  # [T, H]


def variable(name: str, shape: list[int]) -> tf.Variable:
    """Returns a trainable float32 variable of zeros."""
    return tf.Variable(tf.zeros(shape), name=name)


def dense_weights(scope: str, inputs: list[int], outputs: list[int]) -> Dense:
    """Returns `Dense` variables with kernel [*inputs, *outputs] and bias [*outputs]."""
    return Dense(variable(f"{scope}/kernel", inputs + outputs), variable(f"{scope}/bias", outputs))


def layer_norm_weights(scope: str, size: int) -> LayerNorm:
    """Returns `LayerNorm` variables of shape [size]."""
    return LayerNorm(variable(f"{scope}/gamma", [size]), variable(f"{scope}/beta", [size]))


def dense(x: tf.Tensor, weights: Dense) -> tf.Tensor:
    """Returns x @ kernel + bias, in the form that the CPU kernels fuse. x is [rows, inputs]."""
    return tf.nn.bias_add(tf.matmul(x, weights.kernel), weights.bias)


def layer_norm(x: tf.Tensor, weights: LayerNorm, eps: float) -> tf.Tensor:
    """Normalises the last axis."""
    # The axis is a list because OpenVINO's reader refuses a scalar.
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, weights.beta, weights.gamma, eps)


def check_range(ids: tf.Tensor, limit: int, name: str, meaning: str) -> tf.Operation:
    """Returns an op that fails unless all `ids` are in [0, limit)."""
    return tf.debugging.Assert(
        tf.reduce_all((ids >= 0) & (ids < limit)),
        [
            f"{name} must be at least 0 and below {limit}, {meaning}; got up to",
            tf.reduce_max(ids),
            "and down to",
            tf.reduce_min(ids),
        ],
    )


def _dropout(x: tf.Tensor, rate: float, training: bool) -> tf.Tensor:
    return tf.nn.dropout(x, rate) if training and rate else x


def _block_scope(config: albert_config.AlbertConfig, group: int, inner: int) -> str:
    if config.num_hidden_groups == config.inner_group_num == 1:
        return "transformer"
    return f"transformer/group_{group}/inner_group_{inner}"


def _block_weights(scope: str, config: albert_config.AlbertConfig) -> Block:
    hidden, intermediate = config.hidden_size, config.intermediate_size
    heads = [config.num_attention_heads, config.head_size]
    attention = f"{scope}/self_attention"
    return Block(
        query=dense_weights(f"{attention}/query", [hidden], heads),
        key=dense_weights(f"{attention}/key", [hidden], heads),
        value=dense_weights(f"{attention}/value", [hidden], heads),
        attention_output=dense_weights(f"{attention}/attention_output", heads, [hidden]),
        attention_norm=layer_norm_weights(f"{scope}/self_attention_layer_norm", hidden),
        intermediate=dense_weights(f"{scope}/intermediate", [hidden], [intermediate]),
        output=dense_weights(f"{scope}/output", [intermediate], [hidden]),
        output_norm=layer_norm_weights(f"{scope}/output_layer_norm", hidden),
    )


def _matmul_block(block: Block, config: albert_config.AlbertConfig) -> MatMulBlock:
    hidden = config.hidden_size
    scale = config.head_size**-0.5
    query = Dense(block.query.kernel * scale, block.query.bias * scale)
    parts = (query, block.key, block.value)
    return MatMulBlock(
        query_key_value=Dense(
            tf.concat([tf.reshape(part.kernel, [hidden, hidden]) for part in parts], axis=1),
            tf.concat([tf.reshape(part.bias, [hidden]) for part in parts], axis=0),
        ),
        attention_output=Dense(
            tf.reshape(block.attention_output.kernel, [hidden, hidden]),
            tf.identity(block.attention_output.bias),
        ),
        attention_norm=LayerNorm(*map(tf.identity, block.attention_norm)),
        intermediate=Dense(*map(tf.identity, block.intermediate)),
        output=Dense(*map(tf.identity, block.output)),
        output_norm=LayerNorm(*map(tf.identity, block.output_norm)),
    )
