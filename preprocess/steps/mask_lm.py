"""ALBERT's masking for masked language model training: the `mask_lm` object of the preprocessor.

Example:
    masked = mask_lm(packed, seed=[1, step])
    logits = encoder.mlm({name: masked[name] for name in MLM_INPUTS})["mlm_logits"]

The rules are those of google-research/albert, `create_pretraining_data.py`:
- Whole words are masked, in n-grams of up to three words with p(n) ~ 1/n.
- The n-grams' first words come in random order. An n-gram that would exceed the number of
  predictions is shortened; one that overlaps an earlier one is skipped.
- Of the masked tokens, 80% become `[MASK]`, 10% stay and 10% become a random token.

Two rules differ from the original, without a measured effect on its statistics: a special token
ends a word, and a random token is never a special one.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from configs import hub_api

_MAX_WORDS = 3
# The chance of at most n words, from p(n) ~ 1/n.
_CUMULATED = np.cumsum(1.0 / np.arange(1, _MAX_WORDS + 1), dtype=np.float64)
_CUMULATED = (_CUMULATED / _CUMULATED[-1]).astype(np.float32)
_PROB = 0.15
_MASK_SHARE, _KEEP_SHARE = 0.8, 0.1
# 20 predictions in 128 positions; other lengths in proportion.
_PREDICTIONS, _PREDICTIONS_LENGTH = 20, 128
# Indices into the split seed.
_ORDER_SEED, _LENGTH_SEED, _SHARE_SEED, _TOKEN_SEED = range(_NUM_SEEDS := 4)
_ALGORITHM = "philox"  # draws the same numbers on every kind of device

_PACKED = {name: tf.TensorSpec([None, None], tf.int32, name) for name in hub_api.ENCODER_INPUTS}


class MaskLm(tf.Module):
    """Turns packed inputs into inputs and labels of the masked language model."""

    def __init__(
        self, *, starts_word: np.ndarray, mask_id: int, special_ids: Sequence[int]
    ) -> None:
        """Traces the function.

        Args:
          starts_word: bool [V], whether an id starts a word.
          mask_id: id of `[MASK]`.
          special_ids: ids of padding, `[CLS]`, `[SEP]` and `[MASK]`, which are neither masked nor
            drawn as random tokens.
        """
        super().__init__()
        self._starts_word = starts_word
        self._mask_id = mask_id
        self._special_ids = sorted(special_ids)
        for predictions in (None, tf.TensorSpec([], tf.int32)):
            for shape in ([], [2]):
                for dtype in (tf.int32, tf.int64):
                    seed, prob = tf.TensorSpec(shape, dtype), tf.TensorSpec([], tf.float64)
                    self.__call__.get_concrete_function(_PACKED, seed, prob, predictions)

    @tf.function(autograph=False)
    def __call__(
        self,
        packed: Mapping[str, tf.Tensor],
        seed: tf.Tensor | int,
        masked_lm_prob: tf.Tensor | float = _PROB,
        max_predictions_per_seq: tf.Tensor | int | None = None,
    ) -> dict[str, tf.Tensor]:
        """Masks words.

        Args:
          packed: int32 [B, S] by name: `input_word_ids`, `input_mask`, `input_type_ids`.
          seed: int32 or int64, a scalar or [2]. The same seed gives the same result, so every batch
            needs its own.
          masked_lm_prob: scalar float64, the share of a row's tokens to predict; special tokens
            count as tokens. At least one token is predicted unless this is 0.
          max_predictions_per_seq: scalar int32, the number P of predictions per row; None for
            20 per 128 positions of S, rounded up.

        Returns:
          By name: the three inputs, with tokens replaced in `input_word_ids`, int32 [B, S];
          `masked_lm_positions` int32 [B, P], ascending, then zeros; `masked_lm_ids` int32 [B, P],
          the original tokens, then zeros; `masked_lm_weights` float32 [B, P], 1 for a prediction
          and 0 for padding.
        """
        if max_predictions_per_seq is None:
            length = tf.shape(packed[hub_api.INPUT_WORD_IDS])[1]
            max_predictions_per_seq = -(-length * _PREDICTIONS // _PREDICTIONS_LENGTH)
        seed = tf.cast(seed, tf.int64)
        if seed.shape.rank == 0:
            seed = tf.stack([seed, tf.zeros_like(seed)])
        results = self._mask(
            *(packed[name] for name in _PACKED), seed, masked_lm_prob, max_predictions_per_seq
        )
        return {**packed, **results}

    @tf.function(
        input_signature=[
            *_PACKED.values(),
            tf.TensorSpec([2], tf.int64),
            tf.TensorSpec([], tf.float64),
            tf.TensorSpec([], tf.int32),
        ],
        autograph=False,
    )
    def _mask(
        self,
        ids: tf.Tensor,
        input_mask: tf.Tensor,
        input_type_ids: tf.Tensor,
        seed: tf.Tensor,
        prob: tf.Tensor,
        max_predictions: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        del input_type_ids
        is_special = tf.reduce_any(ids[:, :, tf.newaxis] == self._special_ids, axis=2)
        is_candidate = (input_mask > 0) & ~is_special  # [B, S]
        # float64 as in Python: 0.15 * 190 is less than 28.5 in float64 and more in float32.
        length = tf.cast(tf.reduce_sum(input_mask, axis=1), tf.float64)  # [B]
        wanted = tf.cast(tf.round(length * prob), tf.int32)  # half to even, as Python rounds
        wanted = tf.where(prob > 0, tf.maximum(wanted, 1), 0)
        wanted = tf.minimum(wanted, max_predictions)
        seeds = tf.random.experimental.stateless_split(seed, _NUM_SEEDS)
        words = _words(ids, is_candidate, starts_word=tf.constant(self._starts_word))
        chosen = _choose_words(words, is_candidate, wanted, seeds)  # [B, S], by word
        is_masked = tf.gather(chosen, words, batch_dims=1) & is_candidate
        share = _uniform(tf.shape(ids), seeds[_SHARE_SEED])
        drawn = self._random_ids(tf.shape(ids), seeds[_TOKEN_SEED])
        replacements = tf.where(share < _MASK_SHARE + _KEEP_SHARE, ids, drawn)
        replacements = tf.where(share < _MASK_SHARE, self._mask_id, replacements)
        return {
            hub_api.INPUT_WORD_IDS: tf.where(is_masked, replacements, ids),
            **_predictions(ids, is_masked, max_predictions),
        }

    def _random_ids(self, shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns ids drawn evenly from all ids that are not special."""
        ordinary = len(self._starts_word) - len(self._special_ids)
        ids = tf.random.stateless_uniform(
            shape, seed, maxval=ordinary, dtype=tf.int32, alg=_ALGORITHM
        )
        for special_id in self._special_ids:  # in ascending order, each shifts the ids above it
            ids += tf.cast(ids >= special_id, tf.int32)
        return ids


def _words(ids: tf.Tensor, is_candidate: tf.Tensor, *, starts_word: tf.Tensor) -> tf.Tensor:
    """Returns, int32 [B, S], the index in its row of the word that each candidate belongs to."""
    follows_candidate = tf.concat([tf.zeros_like(is_candidate[:, :1]), is_candidate[:, :-1]], 1)
    begins = is_candidate & (tf.gather(starts_word, ids) | ~follows_candidate)
    return tf.maximum(tf.cumsum(tf.cast(begins, tf.int32), axis=1) - 1, 0)


def _choose_words(
    words: tf.Tensor, is_candidate: tf.Tensor, wanted: tf.Tensor, seeds: tf.Tensor
) -> tf.Tensor:
    """Returns, bool [B, S], whether each word of a row, by its index, is to be predicted.

    All rows take their k-th step together; a row with enough predictions chooses no more.
    """
    batch_size, length = tf.unstack(tf.shape(words))
    numbers = tf.range(length)[tf.newaxis, :]  # [1, S]
    counts = tf.reduce_max(tf.where(is_candidate, words + 1, 0), axis=1)  # [B], words in a row
    segments = tf.range(batch_size)[:, tf.newaxis] * length + words
    tokens = tf.cast(is_candidate, tf.int32)
    sizes = tf.math.unsorted_segment_sum(tokens, segments, batch_size * length)
    sizes = tf.reshape(sizes, [batch_size, length])  # [B, S], tokens of each word
    before = tf.pad(tf.cumsum(sizes, axis=1), [[0, 0], [1, 0]])  # [B, S + 1], tokens before a word
    order = _uniform([batch_size, length], seeds[_ORDER_SEED])
    order = tf.argsort(tf.where(numbers < counts[:, tf.newaxis], order, 2.0), axis=1)
    draws = _uniform([batch_size, length], seeds[_LENGTH_SEED])
    ns = tf.range(1, _MAX_WORDS + 1)  # [N]

    def step(k: tf.Tensor, chosen: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, ...]:
        first = order[:, k]  # [B]
        available = tf.clip_by_value(counts - first, 1, _MAX_WORDS)
        draw = draws[:, k] * tf.gather(_CUMULATED, available - 1)
        n = 1 + tf.reduce_sum(tf.cast(draw[:, tf.newaxis] >= _CUMULATED[:-1], tf.int32), axis=1)
        ends = tf.minimum(first[:, tf.newaxis] + ns, length)  # [B, N]
        grams = tf.gather(before, ends, batch_dims=1)
        grams -= tf.gather(before, first, batch_dims=1)[:, tf.newaxis]  # [B, N], tokens of n-grams
        fits = (ns <= n[:, tf.newaxis]) & (total[:, tf.newaxis] + grams <= wanted[:, tf.newaxis])
        n = tf.reduce_sum(tf.cast(fits, tf.int32), axis=1)  # longer n-grams have more tokens
        limit = first + n
        in_gram = (numbers >= first[:, tf.newaxis]) & (numbers < limit[:, tf.newaxis])  # [B, S]
        is_accepted = (first < counts) & ~tf.reduce_any(chosen & in_gram, axis=1)  # [B]
        taken = tf.reduce_max(tf.where(fits, grams, 0), axis=1)
        return (
            k + 1,
            chosen | (in_gram & is_accepted[:, tf.newaxis]),
            total + tf.where(is_accepted, taken, 0),
        )

    def is_unfinished(k: tf.Tensor, chosen: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
        del chosen
        return tf.reduce_any((k < counts) & (total < wanted))

    start = (tf.constant(0), tf.zeros_like(is_candidate), tf.zeros_like(wanted))
    return tf.while_loop(is_unfinished, step, start)[1]


def _predictions(
    ids: tf.Tensor, is_masked: tf.Tensor, max_predictions: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Returns positions, ids and weights, [B, P] each, of the masked tokens."""
    length = tf.shape(ids)[1]
    positions = tf.sort(tf.where(is_masked, tf.range(length), length), axis=1)[:, :max_predictions]
    missing = tf.maximum(max_predictions - length, 0)
    positions = tf.pad(positions, [[0, 0], [0, missing]], constant_values=0)
    count = tf.reduce_sum(tf.cast(is_masked, tf.int32), axis=1)  # [B]
    is_prediction = tf.sequence_mask(count, max_predictions)
    positions = tf.where(is_prediction, positions, 0)
    labels = tf.where(is_prediction, tf.gather(ids, positions, batch_dims=1), 0)
    return {
        hub_api.MASKED_LM_POSITIONS: positions,
        hub_api.MASKED_LM_IDS: labels,
        hub_api.MASKED_LM_WEIGHTS: tf.cast(is_prediction, tf.float32),
    }


def _uniform(shape: tf.Tensor | list[tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, alg=_ALGORITHM)
