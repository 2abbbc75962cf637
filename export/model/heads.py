"""The heads of pre-training, over an encoder's outputs.

    logits = heads.MaskedLanguageModel(encoder)(sequence_output, masked_lm_positions)

Follows google-research/albert's run_pretraining.py (`get_masked_lm_output`,
`get_sentence_order_output`).
"""

import tensorflow as tf

from configs import hub_api
from export.model import albert, layers


class MaskedLanguageModel:
    """Predicts the tokens at masked positions.

    The output matrix is the word embeddings, or one of its own where the config does not tie them.

    Attributes:
      variables: the head's own variables, without the encoder's.
    """

    def __init__(self, encoder: albert.Encoder) -> None:
        config = encoder.config
        self._config = config
        self._output_embeddings = encoder.word_embeddings  # [V, E]
        scope = "cls/predictions"
        self._dense = layers.dense_weights(
            f"{scope}/transform/dense", [config.hidden_size], [config.embedding_size]
        )
        self._norm = layers.layer_norm_weights(
            f"{scope}/transform/LayerNorm", config.embedding_size
        )
        self._bias = layers.variable(f"{scope}/output_bias/bias", [config.vocab_size])
        self.variables: list[tf.Variable] = [*self._dense, *self._norm, self._bias]
        if not config.tie_word_embeddings:
            self._output_embeddings = layers.variable(
                f"{scope}/decoder/embeddings", [config.vocab_size, config.embedding_size]
            )
            self.variables.append(self._output_embeddings)
        self._predict = layers.trace_once(
            self._predict_body,
            tf.TensorSpec([None, None, config.hidden_size]),
            tf.TensorSpec([None, None], tf.int32),
        )

    def __call__(self, sequence_output: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        """Returns the logits of the tokens at `positions`.

        Args:
          sequence_output: float32 [B, S, H].
          positions: int32 [B, P], zero-padded.

        Returns:
          float32 [B, P, V], before the softmax.

        Raises:
          tf.errors.InvalidArgumentError: a position is outside the sequence.
        """
        return self._predict(sequence_output, positions)

    def _predict_body(self, sequence_output: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        config = self._config
        seq_length = tf.shape(sequence_output)[1]
        check = tf.debugging.Assert(
            tf.reduce_all((positions >= 0) & (positions < seq_length)),
            [
                f"{hub_api.MASKED_LM_POSITIONS} must be at least 0 and below the seq_length",
                seq_length,
                "; got up to",
                tf.reduce_max(positions),
            ],
        )
        with tf.control_dependencies([check]):
            positions = tf.identity(positions)
        batch_size, num_predictions = tf.unstack(tf.shape(positions))
        rows = tf.gather(sequence_output, positions, batch_dims=1)  # [B, P, H]
        rows = tf.reshape(rows, [-1, config.hidden_size])  # [B * P, H]
        rows = layers.dense(rows, self._dense)  # [B * P, E]
        rows = layers.activate(rows, config.hidden_act, training=False)  # [B * P, E]
        eps = config.mlm_layer_norm_eps or config.layer_norm_eps
        rows = layers.layer_norm(rows, self._norm, eps)  # [B * P, E]
        logits = tf.matmul(rows, self._output_embeddings, transpose_b=True)  # [B * P, V]
        logits = tf.nn.bias_add(logits, self._bias)  # [B * P, V]
        return tf.reshape(logits, [batch_size, num_predictions, config.vocab_size])  # [B, P, V]


class SentenceOrder:
    """Predicts whether two segments stand in their order (class 0) or were swapped (class 1).

    Attributes:
      variables: the head's own variables, without the encoder's.
    """

    def __init__(self, encoder: albert.Encoder) -> None:
        self._dense = layers.dense_weights(
            "cls/seq_relationship", [encoder.config.hidden_size], [2]
        )
        self.variables: list[tf.Variable] = [*self._dense]

    def __call__(self, pooled_output: tf.Tensor) -> tf.Tensor:
        """Returns the logits of the order.

        Args:
          pooled_output: float32 [B, H].

        Returns:
          float32 [B, 2], before the softmax.
        """
        return layers.dense(pooled_output, self._dense)  # [B, 2]
