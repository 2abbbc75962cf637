"""The heads of fine-tuned models, over an encoder's outputs.

Example:
    head = task_heads.make(head_config.HeadConfig(kind="tag", labels=("O", "B")), config)
    logits = head(outputs, inputs, training=False)["logits"]

Classifier, tagger, the independent span and choice follow transformers' modeling_albert.py and
google-research/albert's run_classifier.py, run_squad_v1.py and run_race.py; spans by beam follow
run_squad_v2.py (squad_utils.py, `create_v2_model`). Dimension letters besides those of albert.py:
`C` labels, `N` choices, `K` starts.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import tensorflow as tf

from configs import albert_config, head_config, hub_api
from export.model import layers

Outputs = Mapping[str, Any]
Inputs = Mapping[str, tf.Tensor]

# Subtracted from the logits of positions that cannot be an answer (create_v2_model).
_IMPOSSIBLE = 1e30
# Of contrib layer_norm in TensorFlow 1.
_EPSILON = 1e-12


class Head(Protocol):
    """What the heads have in common.

    Attributes:
      variables: the head's own variables, without the encoder's.
    """

    variables: list[tf.Variable]

    def __call__(
        self, outputs: Outputs, inputs: Inputs, *, training: bool, unpadded: bool = False
    ) -> dict[str, tf.Tensor]:
        """Returns the head's outputs by name.

        Args:
          outputs: the encoder's.
          inputs: the encoder's, int32 [B, S].
          training: whether dropout is on.
          unpadded: whether what stands at padding is zero.
        """


class Classifier:
    """Labels a text: float32 [B, C] from the pooled output."""

    def __init__(self, head: head_config.HeadConfig, config: albert_config.AlbertConfig) -> None:
        self._dropout = config.classifier_dropout_prob
        self._dense = layers.dense_weights(
            f"cls/{head.kind}", [config.hidden_size], [len(head.labels) or 1]
        )
        self.variables: list[tf.Variable] = [*self._dense]

    def __call__(
        self, outputs: Outputs, inputs: Inputs, *, training: bool, unpadded: bool = False
    ) -> dict[str, tf.Tensor]:
        pooled = layers.dropout(outputs[hub_api.POOLED_OUTPUT], self._dropout, training)  # [B, H]
        return {hub_api.LOGITS: layers.dense(pooled, self._dense)}  # [B, C]


class Chooser(Classifier):
    """Chooses one of several texts: float32 [B, 1], the score of each text alone."""


class Tagger:
    """Labels tokens: float32 [B, S, C] from the sequence output."""

    def __init__(self, head: head_config.HeadConfig, config: albert_config.AlbertConfig) -> None:
        self._dropout = config.classifier_dropout_prob
        self._dense = layers.dense_weights("cls/tag", [config.hidden_size], [len(head.labels)])
        self.variables: list[tf.Variable] = [*self._dense]

    def __call__(
        self, outputs: Outputs, inputs: Inputs, *, training: bool, unpadded: bool = False
    ) -> dict[str, tf.Tensor]:
        hidden = layers.dropout(outputs[hub_api.SEQUENCE_OUTPUT], self._dropout, training)
        logits = _dense_by_position(hidden, self._dense)  # [B, S, C]
        return {hub_api.LOGITS: _at_tokens(logits, inputs) if unpadded else logits}


class Answerer:
    """Finds the start and the end of an answer: float32 [B, S] each from the sequence output."""

    def __init__(self, head: head_config.HeadConfig, config: albert_config.AlbertConfig) -> None:
        self._dense = layers.dense_weights("cls/answer", [config.hidden_size], [2])
        self.variables: list[tf.Variable] = [*self._dense]

    def __call__(
        self, outputs: Outputs, inputs: Inputs, *, training: bool, unpadded: bool = False
    ) -> dict[str, tf.Tensor]:
        logits = _dense_by_position(outputs[hub_api.SEQUENCE_OUTPUT], self._dense)  # [B, S, 2]
        logits = _at_tokens(logits, inputs) if unpadded else logits
        starts, ends = tf.unstack(logits, axis=2)  # [B, S]
        return {hub_api.START_LOGITS: starts, hub_api.END_LOGITS: ends}


class BeamAnswerer:
    """Finds the start of an answer, the ends for each of the best starts, and whether there is one.

    An answer may start at [CLS] and in the second segment, without its [SEP]: only these are among
    the best starts. (squad_utils.py, `p_mask`.)
    """

    def __init__(self, head: head_config.HeadConfig, config: albert_config.AlbertConfig) -> None:
        self._config = config
        hidden = config.hidden_size
        scope = "cls/answer_beam"
        self._start = layers.dense_weights(f"{scope}/start_logits", [hidden], [1])
        self._end_hidden = layers.dense_weights(
            f"{scope}/end_logits/dense_0", [2 * hidden], [hidden]
        )
        self._end_norm = layers.layer_norm_weights(f"{scope}/end_logits/LayerNorm", hidden)
        self._end = layers.dense_weights(f"{scope}/end_logits/dense_1", [hidden], [1])
        self._class_hidden = layers.dense_weights(
            f"{scope}/answer_class/dense_0", [2 * hidden], [hidden]
        )
        self._class = layers.variable(f"{scope}/answer_class/dense_1/kernel", [hidden, 1])
        self.variables: list[tf.Variable] = [
            *self._start,
            *self._end_hidden,
            *self._end_norm,
            *self._end,
            *self._class_hidden,
            self._class,
        ]

    def __call__(
        self, outputs: Outputs, inputs: Inputs, *, training: bool, unpadded: bool = False
    ) -> dict[str, tf.Tensor]:
        hidden = outputs[hub_api.SEQUENCE_OUTPUT]  # [B, S, H]
        start_logits = _dense_by_position(hidden, self._start)[:, :, 0]  # [B, S]
        possible = tf.where(_may_start(inputs), start_logits, -_IMPOSSIBLE)  # [B, S]
        count = tf.minimum(self._config.start_n_top, tf.shape(hidden)[1])  # K
        best = tf.math.top_k(possible, count)
        # Where there are fewer, the rest repeats [CLS].
        positions = tf.where(best.values > -_IMPOSSIBLE, best.indices, 0)  # [B, K]
        end_logits = self._end_logits(hidden, tf.gather(hidden, positions, batch_dims=1))
        cls_logits = self._cls_logits(hidden, tf.nn.softmax(possible, axis=1), training)  # [B]
        if unpadded:
            start_logits = _at_tokens(start_logits[:, :, tf.newaxis], inputs)[:, :, 0]
            by_position = tf.transpose(end_logits, [0, 2, 1])  # [B, S, K]
            end_logits = tf.transpose(_at_tokens(by_position, inputs), [0, 2, 1])
        return {
            hub_api.START_LOGITS: start_logits,
            hub_api.END_LOGITS: end_logits,
            hub_api.START_POSITIONS: positions,
            hub_api.CLS_LOGITS: cls_logits,
        }

    def _end_logits(self, hidden: tf.Tensor, starts: tf.Tensor) -> tf.Tensor:
        """Returns the logits [B, K, S] of the ends for the states [B, K, H] of the starts.

        The product with the joined states is the sum of two, so they need not be joined.
        """
        size = self._config.hidden_size
        kernel = tf.convert_to_tensor(self._end_hidden.kernel)
        of_end, of_start = kernel[:size], kernel[size:]  # [H, H]
        batch_size, seq_length, _ = tf.unstack(tf.shape(hidden))
        count = tf.shape(starts)[1]
        ends = tf.reshape(hidden, [-1, size]) @ of_end  # [B * S, H]
        firsts = layers.dense(
            tf.reshape(starts, [-1, size]), layers.Dense(of_start, self._end_hidden.bias)
        )  # [B * K, H]
        joined = tf.reshape(ends, [batch_size, 1, seq_length, size])
        joined += tf.reshape(firsts, [batch_size, count, 1, size])  # [B, K, S, H]
        rows = tf.reshape(tf.tanh(joined), [-1, size])
        rows = layers.layer_norm(rows, self._end_norm, _EPSILON)
        logits = layers.dense(rows, self._end)
        return tf.reshape(logits, [batch_size, count, seq_length])

    def _cls_logits(self, hidden: tf.Tensor, starts: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns the logits [B] for the probabilities [B, S] of the starts."""
        start = tf.reduce_sum(hidden * starts[:, :, tf.newaxis], axis=1)  # [B, H]
        joined = tf.concat([start, hidden[:, 0, :]], axis=1)  # [B, 2 * H]
        features = tf.tanh(layers.dense(joined, self._class_hidden))  # [B, H]
        dropped = layers.dropout(features, self._config.classifier_dropout_prob, training)
        return tf.matmul(dropped, self._class)[:, 0]  # [B]


_CLASSES: Mapping[str, Callable[..., Head]] = {
    head_config.CLASSIFY: Classifier,
    head_config.TAG: Tagger,
    head_config.ANSWER: Answerer,
    head_config.CHOOSE: Chooser,
}


def make(head: head_config.HeadConfig, config: albert_config.AlbertConfig) -> Head:
    """Returns the head that a config describes, over an encoder of `config`."""
    return (BeamAnswerer if head.is_beam else _CLASSES[head.kind])(head, config)


def _dense_by_position(hidden: tf.Tensor, weights: layers.Dense) -> tf.Tensor:
    """Returns hidden [B, S, H] @ kernel + bias, [B, S, X]."""
    rows = tf.reshape(hidden, [-1, weights.kernel.shape[0]])  # [B * S, H]
    shape = tf.concat([tf.shape(hidden)[:2], [weights.kernel.shape[1]]], axis=0)
    return tf.reshape(layers.dense(rows, weights), shape)


def _at_tokens(values: tf.Tensor, inputs: Inputs) -> tf.Tensor:
    """Returns values [B, S, X], and zeros at padding."""
    is_token = tf.not_equal(inputs[hub_api.INPUT_MASK], 0)[:, :, tf.newaxis]
    return tf.where(is_token, values, tf.zeros_like(values))


def _may_start(inputs: Inputs) -> tf.Tensor:
    """Returns where an answer may start, bool [B, S]."""
    is_token = tf.not_equal(inputs[hub_api.INPUT_MASK], 0)  # [B, S]
    after = tf.cumsum(tf.cast(is_token, tf.int32), axis=1, exclusive=True, reverse=True)
    in_context = is_token & tf.not_equal(inputs[hub_api.INPUT_TYPE_IDS], 0) & (after > 0)
    is_first = tf.equal(tf.range(tf.shape(is_token)[1]), 0)  # [S]
    return in_context | is_first
