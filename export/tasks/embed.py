"""Vectors of texts.

    how = pooling.Pooling(modes=("mean",), normalize=True)
    vectors, truncated = embed.Embed(encoder, texts, pooling=how)(sentences, training=False)

The poolings of sentence-transformers have its names (models/Pooling.py).
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from configs import hub_api, pooling
from export.model import layers
from export.tasks import texts as texts_module

CUT, MEAN = "cut", "mean"


def _sum(states: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the sum [B, H] of states [B, S, H] by weights [B, S], and that of the weights."""
    total = tf.reduce_sum(states * weights[:, :, tf.newaxis], axis=1)
    return total, tf.maximum(tf.reduce_sum(weights, axis=1, keepdims=True), 1e-9)


def _mean(states: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    total, count = _sum(states, weights)
    return total / count


def _mean_sqrt(states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    total, count = _sum(states, mask)
    return total / tf.sqrt(count)


def _weighted(states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return _mean(states, mask * tf.cast(tf.range(1, tf.shape(mask)[1] + 1), tf.float32))


def _max(states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.where(mask[:, :, tf.newaxis] > 0, states, -1e9), axis=1)


def _last(states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    last = tf.cast(tf.reduce_sum(mask, axis=1), tf.int32) - 1
    return tf.gather(states, last, batch_dims=1)


# Of `sequence_output` [B, S, H] and the mask, float32 [B, S].
_POOLINGS: Mapping[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "first": lambda states, mask: states[:, 0, :],
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted,
    "lasttoken": _last,
}


class Embed:
    """Computes vectors.

    Attributes:
      variables: those of the dense layers.
    """

    def __init__(
        self,
        encoder: Any,
        texts: texts_module.Texts,
        *,
        pooling: pooling.Pooling,
        long_texts: str = CUT,
    ) -> None:
        """Makes the variables.

        Args:
          encoder: a loaded encoder.
          texts: makes its inputs.
          pooling: from states to vectors.
          long_texts: `CUT`; or "mean" or "max" over the vectors of a long text's parts.
        """
        self._encoder = encoder
        self._texts = texts
        self._pooling = pooling
        self._long_texts = long_texts
        self._dense = [
            layers.Dense(
                tf.Variable(layer.kernel, name=f"dense_{number}/kernel"),
                tf.Variable(layer.bias, name=f"dense_{number}/bias"),
            )
            for number, layer in enumerate(pooling.dense)
        ]
        self.variables = [variable for weights in self._dense for variable in weights]

    def __call__(self, sentences: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the vectors, float32 [B, H], of string [B], and bool [B], which were cut."""
        sentences = self._prepared(sentences)
        if self._long_texts == CUT:
            tokens, truncated = self._texts.tokens(sentences)
            vectors = self._vectors(tokens, training)
        else:
            tokens = self._texts.preprocessor.tokenize(sentences)
            parts, part_to_text = _parts(tokens, self._texts.room())
            combine = tf.math.segment_mean if self._long_texts == MEAN else tf.math.segment_max
            vectors = combine(self._vectors(parts, training), part_to_text)
            truncated = tf.zeros_like(tokens.row_lengths(), tf.bool)
        for layer, weights in zip(self._pooling.dense, self._dense, strict=True):
            vectors = layers.activate(
                layers.dense(vectors, weights), layer.activation, training=training
            )
        if self._pooling.normalize:
            vectors = tf.math.l2_normalize(vectors, axis=1)
        return vectors, truncated

    def _prepared(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns the sentences with the prompt, which is lower-cased with them."""
        if self._pooling.prompt:
            sentences = self._pooling.prompt + sentences
        if self._pooling.lower_case:
            sentences = tf.strings.lower(sentences, encoding="utf-8")
        return sentences

    def _vectors(self, tokens: tf.RaggedTensor, training: bool) -> tf.Tensor:
        inputs = self._texts.pack([tokens])
        outputs = texts_module.encode(self._encoder, inputs, training)
        mask = tf.cast(inputs[hub_api.INPUT_MASK], tf.float32)  # [B, S]
        pooled = [
            outputs[hub_api.POOLED_OUTPUT]
            if mode == pooling.POOLED
            else _POOLINGS[mode](outputs[hub_api.SEQUENCE_OUTPUT], mask)
            for mode in self._pooling.modes
        ]
        return tf.concat(pooled, axis=1) if len(pooled) > 1 else pooled[0]


def _parts(tokens: tf.RaggedTensor, size: int) -> tuple[tf.RaggedTensor, tf.Tensor]:
    """Returns the tokens in parts of at most `size`, and the row of each part, int64 [W]."""
    lengths = tokens.row_lengths()  # [B]
    counts = tf.maximum((lengths + size - 1) // size, 1)
    rows = tf.repeat(tf.range(tf.size(counts, tf.int64)), counts)  # [W]
    begins = tf.ragged.range(counts).values * size
    ends = tf.minimum(begins + size, tf.gather(lengths, rows))
    return tf.RaggedTensor.from_row_lengths(tokens.values, ends - begins, validate=False), rows
