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

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from configs import albert_config, hub_api
from export.model import block, input_checks, layers, outputs, stack, unpadding

_Inputs = Mapping[str, tf.Tensor]


class Encoder:
    """Embeddings, Transformer blocks and, where the config has one, the pooler.

    Attributes:
      config: the hyper-parameters.
      compute_dtype: dtype of activations and products; variables and outputs are float32.
      attention_outputs: whether the padded encoder returns `attention_probs`.
      word_embeddings: float32 [V, E].
      variables: all variables, in the order of the contract; zeros until somebody fills them.
    """

    def __init__(
        self,
        config: albert_config.AlbertConfig,
        *,
        compute_dtype: str = "float32",
        attention_outputs: bool = False,
        from_embeddings: bool = False,
        recompute: bool = False,
    ) -> None:
        """Makes the variables, and traces what calls share.

        Args:
          config: the hyper-parameters.
          compute_dtype: see the attributes; likewise `attention_outputs`.
          from_embeddings: whether the method of that name is used.
          recompute: whether gradients compute each block again, instead of keeping what they need.
        """
        self.config = config
        self.compute_dtype = tf.dtypes.as_dtype(compute_dtype)
        self.attention_outputs = attention_outputs
        embedding, hidden = config.embedding_size, config.hidden_size
        self.word_embeddings = layers.variable(
            "word_embeddings/embeddings", [config.vocab_size, embedding]
        )
        self._position_embeddings = layers.variable(
            "position_embedding/embeddings", [config.max_position_embeddings, embedding]
        )
        types = [config.type_vocab_size, embedding]
        self._type_embeddings = layers.variable("type_embeddings/embeddings", types)
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
        self._pooler = (
            layers.dense_weights("pooler_transform", [hidden], [hidden]) if config.pooler else None
        )
        self.variables: list[tf.Variable] = tf.nest.flatten(
            [
                self.word_embeddings,
                self._position_embeddings,
                self._type_embeddings,
                self._embedding_norm,
                self._projection,
                self._groups,
                self._pooler or (),
            ]
        )
        self._trace(from_embeddings=from_embeddings, recompute=recompute)

    def _trace(self, *, from_embeddings: bool, recompute: bool) -> None:
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
        self._stack = stack.Stack(
            self.config,
            weights=self._weights.structured_outputs[0][0],
            attention_outputs=self.attention_outputs,
            recompute=recompute,
        )
        self._encode = {
            (training, unpadded): layers.trace_once(self._encode_body(training, unpadded), ids)
            for training in (False, True)
            for unpadded in (False, True)
        }
        if from_embeddings:
            self._trace_from_embeddings()

    def _trace_from_embeddings(self) -> None:
        """Makes the functions that those who call with embeddings share."""
        ids = tf.TensorSpec([None, None], tf.int32)
        specs = dict.fromkeys(hub_api.EMBEDDINGS_INPUTS, ids)
        specs[hub_api.WORD_EMBEDDINGS] = tf.TensorSpec([None, None, self.config.embedding_size])
        self._lookup = layers.trace_once(self._lookup_body, ids)
        self._from_embeddings = {
            training: layers.trace_once(self._from_embeddings_body(training), specs)
            for training in (False, True)
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
          `encoder_outputs`, a list of `num_hidden_layers` tensors [B, S, H]. Without pooler there
          is no `pooled_output`, and `default` is the mean of `sequence_output` over the tokens.
          With `attention_outputs`, and padding computed, also `attention_probs`, a list of
          float32 [B, N, S, S], one per block in order: `inner_group_num` for each layer.

        Raises:
          tf.errors.InvalidArgumentError: S exceeds `max_position_embeddings`, an id is outside its
            table, or the inputs' shapes differ.
        """
        encode = self._encode[training, unpadded]
        return encode({name: inputs[name] for name in hub_api.ENCODER_INPUTS})

    def from_embeddings(self, inputs: _Inputs, *, training: bool) -> dict[str, Any]:
        """Encodes a batch of which the caller has looked up the words, padding included.

        Args:
          inputs: float32 [B, S, E] `word_embeddings`, to which types and positions are added
            before the layer norm; int32 [B, S] `input_mask` and `input_type_ids`.
          training: whether dropout is on.

        Returns and raises what a call with ids does.
        """
        encode = self._from_embeddings[training]
        return encode({name: inputs[name] for name in hub_api.EMBEDDINGS_INPUTS})

    def lookup(self, word_ids: tf.Tensor) -> tf.Tensor:
        """Returns the word embeddings, float32 [B, S, E], of ids, int32 [B, S]."""
        return self._lookup(word_ids)

    def _lookup_body(self, word_ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.word_embeddings, input_checks.check_words(word_ids, self.config))

    def _from_embeddings_body(self, training: bool) -> Callable[[_Inputs], dict[str, Any]]:
        def encode_embeddings(inputs: _Inputs) -> dict[str, Any]:
            words, mask, type_ids = input_checks.check_embeddings(inputs, self.config)
            shape = self._output_shape(mask)
            hidden = self._embed(words, tf.range(shape[1]), type_ids, training)  # [T, H]
            return self._encode_rows(hidden, shape, mask, training)

        return encode_embeddings

    def _encode_body(self, training: bool, unpadded: bool) -> Callable[[_Inputs], dict[str, Any]]:
        def encode(inputs: _Inputs) -> dict[str, Any]:
            word_ids, mask, type_ids = self._check(inputs)
            body = self._encode_unpadded if unpadded else self._encode_padded
            return body(word_ids, mask, type_ids, training)

        return encode

    def _encode_padded(
        self, word_ids: tf.Tensor, mask: tf.Tensor, type_ids: tf.Tensor, training: bool
    ) -> dict[str, Any]:
        shape = self._output_shape(word_ids)
        # Gathered, not sliced: shape inference would refuse a slice that is too short, with words
        # about broadcasting, before the assertion can say what the limit is.
        positions = tf.range(shape[1])  # [S]
        words = tf.gather(self.word_embeddings, word_ids)  # [B, S, E]
        hidden = self._embed(words, positions, type_ids, training)  # [T, H]
        return self._encode_rows(hidden, shape, mask, training)

    def _output_shape(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the shape [B, S, H] for ids [B, S]."""
        return tf.concat([tf.shape(ids), [self.config.hidden_size]], axis=0)

    def _encode_rows(
        self, hidden: tf.Tensor, shape: tf.Tensor, mask: tf.Tensor, training: bool
    ) -> dict[str, Any]:
        """Returns the outputs for rows [T, H] of every position, of which `shape` is [B, S, H]."""
        rows, attention = self._stack(
            hidden, unpadding.padded(mask), self._weights(), training=training
        )
        states = [tf.reshape(row, shape) for row in rows]  # [B, S, H]
        pooled = outputs.pool(states[-1][:, 0, :], self._pooler) if self._pooler else None
        return outputs.by_name(states, mask, pooled=pooled, attention=attention)

    def _encode_unpadded(
        self, word_ids: tf.Tensor, mask: tf.Tensor, type_ids: tf.Tensor, training: bool
    ) -> dict[str, Any]:
        token_layout, tokens = self._unpadded(mask)
        word_ids, type_ids = (tf.gather_nd(ids, tokens.positions) for ids in (word_ids, type_ids))
        positions = tokens.positions[:, 1]  # [T]
        words = tf.gather(self.word_embeddings, word_ids)  # [T, E]
        hidden = self._embed(words, positions, type_ids, training)  # [T, H]
        rows, _ = self._stack(hidden, token_layout, self._weights(), training=training)
        states = [self._by_position(row, tokens.row_of_position) for row in rows]  # [B, S, H]
        pooled = None
        if self._pooler:
            first = tf.gather(rows[-1], tokens.first_rows)  # [B, H]
            pooled = outputs.pool(first, self._pooler)  # [B, H]
            pooled = tf.where(tokens.has_tokens[:, tf.newaxis], pooled, tf.zeros_like(pooled))
        return outputs.by_name(states, mask, pooled=pooled)

    def _check_body(self, inputs: _Inputs) -> tuple[tf.Tensor, ...]:
        """Returns word ids, mask and type ids; using them asserts that they are in range."""
        return input_checks.check_ids(inputs, self.config)

    def _embed(
        self, words: tf.Tensor, positions: tf.Tensor, type_ids: tf.Tensor, training: bool
    ) -> tf.Tensor:
        """Returns rows [T, H] for the embeddings of words, [T, E] or [B, S, E]."""
        config = self.config
        embeddings = words + tf.gather(self._type_embeddings, type_ids)  # [..., E]
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
