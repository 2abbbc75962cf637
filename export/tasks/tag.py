"""Entities in texts, by the encoder's head `.tag`.

    tag.Tag(encoder, texts)(sentences, training=False)["label"]  # string [B, K]

As transformers' token-classification pipeline with `aggregation_strategy="simple"`: neighbouring
tokens of one label are an entity, a label that begins with `B-` begins a new one, and `O` is none.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from configs import hub_api
from export.tasks import texts as texts_module

_OUTSIDE = "O"
_LONGEST_CHARACTER = 4  # bytes


class Tag:
    """Computes entities, which have no white space at their ends.

    Attributes:
      labels: in the order of the head's logits.
    """

    def __init__(self, encoder: Any, texts: texts_module.Texts, *, spaces_in_words: bool) -> None:
        """Takes the parts.

        Args:
          encoder: a loaded encoder.
          texts: makes its inputs.
          spaces_in_words: whether a word of the tokenizers library begins with the space before it,
            as with Metaspace alone.
        """
        self._encoder = encoder
        self._texts = texts
        self._spaces_in_words = spaces_in_words
        self.labels = [label.decode() for label in encoder.tag.labels.numpy()]
        kinds = [label[2:] if label.startswith(("B-", "I-")) else label for label in self.labels]
        self._kinds = np.array([kinds.index(kind) for kind in kinds], np.int32)  # [C]
        self._begins = np.array([label.startswith("B-") for label in self.labels])  # [C]
        self._names = [label.split("-", 1)[-1] for label in self.labels]  # [C]

    def __call__(self, sentences: tf.Tensor, training: bool) -> dict[str, tf.Tensor]:
        """Returns the outputs by name, of string [B], padded with "" and -1 to [B, K].

        `label` and `text` string, `score` float32, `start` and `limit` in bytes int32; `count`
        int32 [B] and `truncated` bool [B].
        """
        entities, truncated = self._entities(sentences, training)
        counts = tf.cast(entities[hub_api.LABEL].row_lengths(), tf.int32)
        padding = {hub_api.LABEL: "", hub_api.TEXT: ""}
        return {
            hub_api.COUNT: counts,
            hub_api.TRUNCATED: truncated,
            **{name: values.to_tensor(padding.get(name, -1)) for name, values in entities.items()},
        }

    def entities(self, sentences: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the same with one row for an entity, [E], and `sentence`, the text it is in."""
        entities, _ = self._entities(sentences, False)
        rows = tf.cast(entities[hub_api.LABEL].value_rowids(), tf.int32)
        return {hub_api.SENTENCE: rows, **{name: e.values for name, e in entities.items()}}

    def _entities(
        self, sentences: tf.Tensor, training: bool
    ) -> tuple[dict[str, tf.RaggedTensor], tf.Tensor]:
        room = self._texts.room()
        ids, starts, limits = self._texts.preprocessor.tokenize_with_offsets(sentences)
        truncated = ids.row_lengths() > room
        ids, starts, limits = (
            texts_module.first_tokens(part, room) for part in (ids, starts, limits)
        )
        starts, limits = _with_text(sentences, starts, limits, only_added=self._spaces_in_words)
        inputs = self._texts.pack([ids])
        logits = self._encoder.unpadded.tag(inputs, training=training)[hub_api.LOGITS]  # [B, S, C]
        # Behind [CLS].
        at_tokens = tf.RaggedTensor.from_tensor(logits[:, 1:], lengths=ids.row_lengths())
        probabilities = tf.nn.softmax(at_tokens.values)  # [T, C]
        best = tf.argmax(probabilities, axis=1)  # [T]
        group = self._groups(best, ids)  # [T], the number of each token's group
        is_first = _differs(group)
        is_last = tf.concat([is_first[1:], tf.ones_like(is_first[:1])], axis=0)
        label = tf.boolean_mask(best, is_first)  # [G]
        rows = tf.boolean_mask(ids.value_rowids(), is_first)
        start = tf.cast(tf.boolean_mask(starts.values, is_first), tf.int32)
        end = tf.cast(tf.boolean_mask(limits.values, is_last), tf.int32)
        start, end = texts_module.without_white_space(tf.gather(sentences, rows), start, end)
        found = {
            hub_api.LABEL: tf.gather(tf.constant(self._names), label),
            hub_api.SCORE: tf.math.segment_mean(tf.reduce_max(probabilities, axis=1), group),
            hub_api.START: start,
            hub_api.END: end,
            hub_api.TEXT: tf.strings.substr(tf.gather(sentences, rows), start, end - start),
        }
        is_entity = tf.not_equal(found[hub_api.LABEL], _OUTSIDE)
        rows = tf.boolean_mask(rows, is_entity)
        return {
            name: tf.RaggedTensor.from_value_rowids(
                tf.boolean_mask(values, is_entity), rows, nrows=ids.nrows(), validate=False
            )
            for name, values in found.items()
        }, truncated

    def _groups(self, best: tf.Tensor, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the number of each token's group, int32 [T], which never decreases."""
        rows = ids.value_rowids()
        kind = tf.gather(tf.constant(self._kinds), best)
        begins = tf.gather(tf.constant(self._begins), best)
        is_new = _differs(rows) | _differs(kind) | begins
        return tf.cumsum(tf.cast(is_new, tf.int32)) - 1


def _with_text(
    sentences: tf.Tensor, starts: tf.RaggedTensor, limits: tf.RaggedTensor, *, only_added: bool
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Gives a token that is a space alone the character behind it, as `tokenizers` does.

    With `only_added` it does so where the text has no space: where another token ends, or none is.
    """
    texts = tf.gather(sentences, starts.value_rowids())  # [T]
    start, limit = (tf.cast(part.values, tf.int32) for part in (starts, limits))
    here = tf.strings.substr(texts, start, limit - start)
    behind = tf.strings.substr(texts, limit, tf.fill(tf.shape(limit), _LONGEST_CHARACTER))
    character = tf.strings.substr(behind, 0, 1, unit="UTF8_CHAR")
    is_moved = tf.strings.regex_full_match(here, r"\s*") & (tf.strings.length(behind) > 0)
    if only_added:
        is_first = _differs(starts.value_rowids())
        before = tf.where(is_first, 0, tf.concat([limit[:1], limit[:-1]], axis=0))
        is_moved &= tf.equal(limit, before)
    end = limits.values + tf.cast(tf.strings.length(character), tf.int64)
    return (
        starts.with_values(tf.where(is_moved, limits.values, starts.values)),
        limits.with_values(tf.where(is_moved, end, limits.values)),
    )


def _differs(values: tf.Tensor) -> tf.Tensor:
    """Returns, bool [T], where a value differs from the one before it; the first does."""
    differs = tf.not_equal(values[1:], values[:-1])
    return tf.concat([tf.ones_like(values[:1], tf.bool), differs], axis=0)
