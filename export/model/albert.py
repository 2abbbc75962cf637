"""The ALBERT encoder: variables made once, and the computation over them.

    encoder = albert.Encoder(albert_config.load("large"), compute_dtype="float32")
    outputs = encoder(inputs, training=False, unpadded=False)

Follows google-research/albert's modeling.py (https://arxiv.org/abs/1909.11942); names and shapes of
the variables are Model Garden's. Dimension letters, here and everywhere:

    B batch                S sequence length      T rows, the tokens of a batch (unpadding.py)
    E embedding size       H hidden size          F intermediate size
    N attention heads      D width of a head      V vocabulary
    P masked positions
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from configs import albert_config, hub_api
from export.model import block, layers, unpadding

_Inputs = Mapping[str, tf.Tensor]


class Encoder:
    """Embeddings, Transformer blocks and pooler.

    Attributes:
      config: the hyper-parameters.
      compute_dtype: dtype of activations and products; variables and outputs are float32.
      word_embeddings: float32 [V, E].
      variables: all variables, in the order of the contract; zeros until somebody fills them.
    """

    def __init__(
        self, config: albert_config.AlbertConfig, *, compute_dtype: str = "float32"
    ) -> None:
        self.config = config
        self.compute_dtype = tf.dtypes.as_dtype(compute_dtype)
        embedding, hidden = config.embedding_size, config.hidden_size
        self.word_embeddings = layers.variable(
            "word_embeddings/embeddings", [config.vocab_size, embedding]
        )
        self._position_embeddings = layers.variable(
            "position_embedding/embeddings", [config.max_position_embeddings, embedding]
        )
        self._type_embeddings = layers.variable(
            "type_embeddings/embeddings", [config.type_vocab_size, embedding]
        )
        self._embedding_norm = layers.layer_norm_weights("embeddings/layer_norm", embedding)
        self._projection = (
            layers.dense_weights("embedding_projection", [embedding], [hidden])
            if config.embedding_projection
            else ()
        )
        self._groups = [
            [
                block.variables(config, group=group, inner=inner)
                for inner in range(config.inner_group_num)
            ]
            for group in range(config.num_hidden_groups)
        ]
        self._pooler = layers.dense_weights("pooler_transform", [hidden], [hidden])
        self.variables: list[tf.Variable] = tf.nest.flatten(
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
        self._trace()

    def _trace(self) -> None:
        """Makes the functions that others call, so that the graph holds each of them once.

        The checks and the weights are shared by all encoders, a block by all its layers, an encoder
        by all its heads.
        """
        ids = {name: tf.TensorSpec([None, None], tf.int32) for name in hub_api.ENCODER_INPUTS}
        self._check = layers.trace_once(self._check_body, ids)
        self._weights = layers.trace_once(self._weights_body)
        self._unpadded = layers.trace_once(unpadding.unpadded, ids[hub_api.INPUT_MASK])
        self._by_position = layers.trace_once(
            unpadding.gather_rows,
            tf.TensorSpec([None, self.config.hidden_size], self.compute_dtype),
            tf.TensorSpec([None, None], tf.int32),
        )
        apply = functools.partial(block.apply, config=self.config)
        self._block = tf.function(apply, autograph=False)
        self._carry = tf.function(carry, autograph=False)
        self._encode = {
            (training, unpadded): layers.trace_once(self._encode_body(training, unpadded), ids)
            for training in (False, True)
            for unpadded in (False, True)
        }

    def __call__(
        self, inputs: _Inputs, *, training: bool, unpadded: bool = False
    ) -> dict[str, Any]:
        """Encodes a batch.

        Args:
          inputs: int32 [B, S] `input_word_ids`, `input_mask` (1 for tokens, 0 for padding) and
            `input_type_ids`.
          training: whether dropout is on.
          unpadded: whether to compute tokens only. The outputs at padding are zeros then, all
            others the same to rounding.

        Returns:
          float32 `pooled_output` and `default` [B, H], `sequence_output` [B, S, H], and
          `encoder_outputs`, a list of `num_hidden_layers` tensors [B, S, H].

        Raises:
          tf.errors.InvalidArgumentError: S exceeds `max_position_embeddings`, an id is outside its
            table, or the inputs' shapes differ.
        """
        encode = self._encode[training, unpadded]
        return encode({name: inputs[name] for name in hub_api.ENCODER_INPUTS})

    def _encode_body(self, training: bool, unpadded: bool) -> Callable[[_Inputs], dict[str, Any]]:
        def encode(inputs: _Inputs) -> dict[str, Any]:
            word_ids, mask, type_ids = self._check(inputs)
            body = self._encode_unpadded if unpadded else self._encode_padded
            return body(word_ids, mask, type_ids, training)

        return encode

    def _encode_padded(
        self, word_ids: tf.Tensor, mask: tf.Tensor, type_ids: tf.Tensor, training: bool
    ) -> dict[str, Any]:
        shape = tf.concat([tf.shape(word_ids), [self.config.hidden_size]], axis=0)  # [B, S, H]
        # Gathered, not sliced: shape inference would refuse a slice that is too short, with words
        # about broadcasting, before the assertion can say what the limit is.
        hidden = self._embed(word_ids, tf.range(shape[1]), type_ids, training)  # [T, H]
        outputs = [
            tf.reshape(rows, shape)  # [B, S, H]
            for rows in self._transform(hidden, unpadding.padded(mask), training)
        ]
        return self._outputs(outputs, pooled=self._pool(outputs[-1][:, 0, :]))

    def _encode_unpadded(
        self, word_ids: tf.Tensor, mask: tf.Tensor, type_ids: tf.Tensor, training: bool
    ) -> dict[str, Any]:
        token_layout, tokens = self._unpadded(mask)
        word_ids, type_ids = (tf.gather_nd(ids, tokens.positions) for ids in (word_ids, type_ids))
        hidden = self._embed(word_ids, tokens.positions[:, 1], type_ids, training)  # [T, H]
        rows = self._transform(hidden, token_layout, training)
        outputs = [self._by_position(row, tokens.row_of_position) for row in rows]  # [B, S, H]
        pooled = self._pool(tf.gather(rows[-1], tokens.first_rows))  # [B, H]
        pooled = tf.where(tokens.has_tokens[:, tf.newaxis], pooled, tf.zeros_like(pooled))
        return self._outputs(outputs, pooled=pooled)

    def _check_body(self, inputs: _Inputs) -> tuple[tf.Tensor, ...]:
        """Returns word ids, mask and type ids; using them asserts that they are in range."""
        config = self.config
        word_ids = inputs[hub_api.INPUT_WORD_IDS]
        type_ids = inputs[hub_api.INPUT_TYPE_IDS]
        shape = tf.shape(word_ids)
        limit = config.max_position_embeddings
        checks = [
            tf.debugging.Assert(
                shape[1] <= limit,
                [f"seq_length must be at most {limit}, the number of positions; got", shape[1]],
            ),
            layers.check_range(
                word_ids, config.vocab_size, hub_api.INPUT_WORD_IDS, "the vocabulary size"
            ),
            layers.check_range(
                type_ids, config.type_vocab_size, hub_api.INPUT_TYPE_IDS, "the number of types"
            ),
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
            # Where shapes are static, building the graph fails before any assertion runs, with the
            # name of the op in the message.
            return tuple(
                tf.reshape(
                    inputs[name], shape, name=f"{name}_must_have_the_shape_of_input_word_ids"
                )
                for name in hub_api.ENCODER_INPUTS
            )

    def _embed(
        self, word_ids: tf.Tensor, positions: tf.Tensor, type_ids: tf.Tensor, training: bool
    ) -> tf.Tensor:
        """Returns rows [T, H] for ids [..., T] or [B, S]."""
        config = self.config
        embeddings = tf.gather(self.word_embeddings, word_ids)  # [..., E]
        embeddings += tf.gather(self._type_embeddings, type_ids)  # [..., E]
        embeddings += tf.gather(self._position_embeddings, positions)  # [..., E]
        rows = tf.reshape(embeddings, [-1, config.embedding_size])  # [T, E]
        rows = layers.layer_norm(rows, self._embedding_norm, config.layer_norm_eps)  # [T, E]
        rows = layers.dropout(rows, config.hidden_dropout_prob, training)  # [T, E]
        rows = tf.cast(rows, self.compute_dtype)
        if not self._projection:
            return rows
        return layers.dense(rows, layers.cast(self._projection, self.compute_dtype))  # [T, H]

    def _weights_body(self) -> list[list[block.Weights]]:
        return [
            [
                block.prepare(variables, config=self.config, dtype=self.compute_dtype)
                for variables in group
            ]
            for group in self._groups
        ]

    def _transform(
        self, hidden: tf.Tensor, rows_layout: unpadding.Layout, training: bool
    ) -> list[tf.Tensor]:
        """Returns the rows [T, H] after each hidden layer."""
        config = self.config
        groups = [list(group) for group in self._weights()]
        outputs = []
        for layer in range(config.num_hidden_layers):
            group = groups[config.group_of_layer(layer)]
            for inner, weights in enumerate(group):
                hidden = self._block(hidden, rows_layout, weights, training=training)
                if training:
                    group[inner] = self._carry(weights)
            outputs.append(hidden)
        return outputs

    def _pool(self, first: tf.Tensor) -> tf.Tensor:
        """Returns the pooled output [B, H] of the first tokens [B, H]."""
        return tf.tanh(layers.dense(tf.cast(first, tf.float32), self._pooler))

    def _outputs(self, outputs: list[tf.Tensor], *, pooled: tf.Tensor) -> dict[str, Any]:
        outputs = [tf.cast(output, tf.float32) for output in outputs]
        return {
            hub_api.DEFAULT: pooled,
            hub_api.POOLED_OUTPUT: pooled,
            hub_api.SEQUENCE_OUTPUT: outputs[-1],
            hub_api.ENCODER_OUTPUTS: outputs,
        }


def carry(weights: block.Weights) -> block.Weights:
    """Returns `block.chain_gradients(weights)`, under the name that exported graphs have for it."""
    return block.chain_gradients(weights)
