"""Labels of texts, and of pairs of texts, by the encoder's head `.classify`.

    classify.Classify(encoder, texts)(sentences, training=False)["label"]  # string [B]

As transformers' text-classification pipeline.
"""

from typing import Any

import tensorflow as tf

from configs import head_config, hub_api
from export.tasks import texts as texts_module


class Classify:
    """Computes labels and their scores.

    Attributes:
      labels: in the order of the scores.
      problem_type: one of `head_config.PROBLEM_TYPES`.
    """

    def __init__(self, encoder: Any, texts: texts_module.Texts) -> None:
        head = encoder.classify
        self._encoder = encoder
        self._texts = texts
        self.labels = [label.decode() for label in head.labels.numpy()]
        self.problem_type = head.problem_type.numpy().decode()

    def __call__(self, sentences: tf.Tensor, training: bool) -> dict[str, tf.Tensor]:
        """Returns the outputs by name, of string [B].

        `logits` and `scores` float32 [B, C], `label` string [B], `score` float32 [B] and
        `truncated` bool [B].
        """
        tokens, truncated = self._texts.tokens(sentences)
        return self._outputs([tokens], truncated, training)

    def pairs(self, first: tf.Tensor, second: tf.Tensor, training: bool) -> dict[str, tf.Tensor]:
        """Returns the outputs of two texts each; as `__call__`."""
        segments, truncated = self._texts.pair(first, second)
        return self._outputs(segments, truncated, training)

    def _outputs(
        self, segments: list[tf.RaggedTensor], truncated: tf.Tensor, training: bool
    ) -> dict[str, tf.Tensor]:
        inputs = self._texts.pack(segments)
        logits = self._encoder.unpadded.classify(inputs, training=training)[hub_api.LOGITS]
        scores = self._scores(logits)
        best = tf.argmax(scores, axis=1)  # [B]
        return {
            hub_api.LOGITS: logits,
            hub_api.SCORES: scores,
            hub_api.LABEL: tf.gather(tf.constant(self.labels), best),
            hub_api.SCORE: tf.reduce_max(scores, axis=1),
            hub_api.TRUNCATED: truncated,
        }

    def _scores(self, logits: tf.Tensor) -> tf.Tensor:
        if self.problem_type == head_config.REGRESSION:
            return tf.identity(logits)
        if self.problem_type == head_config.MULTI_LABEL or len(self.labels) == 1:
            return tf.sigmoid(logits)
        return tf.nn.softmax(logits)
