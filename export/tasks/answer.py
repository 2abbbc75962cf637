"""Answers to questions from contexts, by the encoder's head `.answer`.

    task = answer.Answer(
        encoder, texts, own_words={}, starts_word=starts_word, max_answer_length=15
    )
    task(questions, contexts, training=False)["answer"]  # string [B]

As transformers' question-answering pipeline: long contexts are read in windows, the best spans of
all windows are widened to whole words, and what is the same text counts together.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from configs import hub_api
from export.tasks import texts as texts_module
from preprocess.normalization import ragged_rows

_STRIDE = 128  # tokens that two windows share
_NUM_SPANS = 12  # of each window
_IMPOSSIBLE = -10000.0


class Answer:
    """Computes answers."""

    def __init__(
        self,
        encoder: Any,
        texts: texts_module.Texts,
        *,
        own_words: Mapping[int, str],
        starts_word: np.ndarray,
        max_answer_length: int,
    ) -> None:
        """Takes the parts.

        Args:
          encoder: a loaded encoder.
          texts: makes its inputs.
          own_words: tokens that are words by themselves where a text has them literally, by id.
          starts_word: which ids begin a word, bool [V].
          max_answer_length: tokens of the longest answer, before it is widened to whole words.
        """
        self._encoder = encoder
        self._texts = texts
        self._own_words = own_words
        self._starts_word = starts_word
        self._max_answer_length = max_answer_length
        self._stride = min(texts.max_seq_length // 2, _STRIDE)

    def __call__(
        self, questions: tf.Tensor, contexts: tf.Tensor, training: bool
    ) -> dict[str, tf.Tensor]:
        """Returns the outputs by name, of string [B] each.

        `answer` string, `score` float32, `start` and `end` in bytes of the context int32,
        `null_score` float32, the probability that there is none, and `truncated` bool, whether the
        question was cut, all [B]. Without a token in the context the answer is empty.
        """
        tokenize = self._texts.preprocessor.tokenize
        questions, contexts = texts_module.same_size(questions, contexts)
        context, starts, limits = self._texts.preprocessor.tokenize_with_offsets(contexts)
        # At least one token more than what windows share is left for the context.
        longest = self._texts.room(2) - self._stride - 1
        whole = tokenize(questions)
        question = texts_module.first_tokens(whole, longest)
        windows = _Windows(question, context, self._texts.room(2), self._stride)
        inputs = self._texts.pack([windows.questions, windows.tokens])
        outputs = self._encoder.unpadded.answer(inputs, training=training)
        spans = _Spans(outputs, inputs, windows, self._max_answer_length)
        is_own = self._is_own_word(contexts, context, starts, limits)
        is_start = is_own | tf.gather(tf.constant(self._starts_word), context.values)
        words = _Words(context, is_start, is_own)
        first, last = texts_module.without_white_space(
            tf.gather(contexts, spans.rows), *words.in_whole_words(spans, starts, limits)
        )
        return {
            **_best(spans, first, last, contexts),
            hub_api.NULL_SCORE: tf.math.segment_min(spans.null_scores, windows.rows),
            hub_api.TRUNCATED: whole.row_lengths() > longest,
        }

    def _is_own_word(
        self,
        contexts: tf.Tensor,
        ids: tf.RaggedTensor,
        starts: tf.RaggedTensor,
        limits: tf.RaggedTensor,
    ) -> tf.Tensor:
        """Returns, bool [T], which tokens stand literally in the contexts and are own words."""
        count = len(self._own_words)
        numbers = tf.constant([*self._own_words], tf.int32, [count])
        contents = tf.constant([*self._own_words.values()], tf.string, [count])
        start = tf.cast(starts.values, tf.int32)
        length = tf.cast(limits.values, tf.int32) - start
        text = tf.strings.substr(tf.gather(contexts, ragged_rows.of(ids)), start, length)
        return tf.reduce_any(
            (ids.values[:, tf.newaxis] == numbers) & (text[:, tf.newaxis] == contents), axis=1
        )


class _Words:
    """Which tokens of the contexts form words."""

    def __init__(self, ids: tf.RaggedTensor, is_start: tf.Tensor, is_own: tf.Tensor) -> None:
        """Takes all tokens: `is_start` [T] begin a word, `is_own` [T] are one by themselves."""
        rows = ragged_rows.of(ids)
        differs = tf.not_equal(rows[:-1], rows[1:]) | is_start[1:] | is_own[:-1]
        is_first = tf.concat([tf.ones_like(is_own[:1]), differs], axis=0)  # [T]
        self._word = tf.cumsum(tf.cast(is_first, tf.int32)) - 1  # [T]
        numbers = tf.range(tf.size(self._word))
        self._firsts = tf.math.segment_min(numbers, self._word)
        self._lasts = tf.math.segment_max(numbers, self._word)

    def in_whole_words(
        self, spans: "_Spans", starts: tf.RaggedTensor, limits: tf.RaggedTensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns, in bytes of the contexts, where the words of spans start and end, int32 [N].

        Of a word that reaches out of a window, it is the part within.
        """
        first = tf.maximum(tf.gather(self._firsts, tf.gather(self._word, spans.first)), spans.begin)
        last = tf.minimum(tf.gather(self._lasts, tf.gather(self._word, spans.last)), spans.end)
        start, limit = tf.gather(starts.values, first), tf.gather(limits.values, last)
        return tf.cast(start, tf.int32), tf.cast(limit, tf.int32)


class _Windows:
    """The windows of the contexts of a batch.

    Attributes:
      rows: the row of each window's context, int32 [W].
      firsts: the number of each window's first token among those of all contexts, int32 [W].
      lengths: its number of tokens, int32 [W].
      offsets: the position of its first token in its row, int32 [W].
      questions: int32 [W, (tokens)].
      tokens: int32 [W, (tokens)].
    """

    def __init__(
        self, question: tf.RaggedTensor, context: tf.RaggedTensor, room: int, stride: int
    ) -> None:
        lengths = tf.cast(context.row_lengths(), tf.int32)  # [B]
        sizes = room - tf.cast(question.row_lengths(), tf.int32)  # [B]
        steps = sizes - stride
        counts = 1 + (tf.maximum(lengths - sizes, 0) + steps - 1) // steps  # [B]
        self.rows = tf.repeat(tf.range(tf.size(counts)), counts)
        begins = tf.ragged.range(counts).values * tf.gather(steps, self.rows)
        self.lengths = tf.minimum(
            tf.gather(sizes, self.rows), tf.gather(lengths, self.rows) - begins
        )
        self.firsts = tf.gather(tf.cast(context.row_starts(), tf.int32), self.rows) + begins
        self.questions = tf.gather(question, self.rows)
        indices = tf.ragged.range(self.firsts, self.firsts + self.lengths)
        indices = indices.with_row_splits_dtype(tf.int64)
        self.tokens = indices.with_values(tf.gather(context.values, indices.values))
        self.offsets = 2 + tf.cast(self.questions.row_lengths(), tf.int32)  # [CLS] question [SEP]


class _Spans:
    """The best spans of each window.

    Attributes:
      scores: float32 [N].
      rows: the row of each one's context, int32 [N].
      first: the number of its first token among those of all contexts, int32 [N].
      last: of its last token.
      begin: of the first token of its window.
      end: of the last token of its window.
      null_scores: the probability that a window has no answer, float32 [W].
    """

    def __init__(
        self,
        outputs: dict[str, tf.Tensor],
        inputs: dict[str, tf.Tensor],
        windows: _Windows,
        max_length: int,
    ) -> None:
        seq_length = tf.shape(inputs[hub_api.INPUT_WORD_IDS])[1]
        positions = tf.range(seq_length)[tf.newaxis, :]  # [1, S]
        begins, ends = windows.offsets, windows.offsets + windows.lengths
        is_context = (positions >= begins[:, tf.newaxis]) & (positions < ends[:, tf.newaxis])
        is_possible = is_context | tf.equal(positions, 0)  # [W, S], or no answer at [CLS]
        spans, self.null_scores = (
            _beam_spans if hub_api.CLS_LOGITS in outputs else _independent_spans
        )(outputs, is_possible)  # [W, S, S]
        in_context = tf.cast(is_context, tf.float32)
        spans *= in_context[:, :, tf.newaxis] * in_context[:, tf.newaxis, :]
        spans = tf.linalg.band_part(spans, 0, tf.minimum(max_length - 1, seq_length))
        flat = tf.reshape(spans, [tf.shape(spans)[0], -1])
        best = tf.math.top_k(flat, tf.minimum(_NUM_SPANS, tf.shape(flat)[1]))  # [W, N]
        first, last = best.indices // seq_length, best.indices % seq_length
        is_span = tf.gather(is_context, first, batch_dims=1) & tf.gather(
            is_context, last, batch_dims=1
        )
        to_tokens = (windows.firsts - windows.offsets)[:, tf.newaxis]
        window = tf.where(is_span)[:, 0]  # [N]
        self.scores = tf.boolean_mask(best.values, is_span)
        self.rows = tf.gather(windows.rows, window)
        self.begin = tf.gather(windows.firsts, window)
        self.end = self.begin + tf.gather(windows.lengths, window) - 1
        self.first = tf.boolean_mask(first + to_tokens, is_span)
        self.last = tf.boolean_mask(last + to_tokens, is_span)


def _independent_spans(
    outputs: dict[str, tf.Tensor], is_possible: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the probabilities [W, S, S] of spans, and those [W] of no answer."""
    start, end = (
        tf.nn.softmax(tf.where(is_possible, outputs[name], _IMPOSSIBLE))
        for name in (hub_api.START_LOGITS, hub_api.END_LOGITS)
    )
    return start[:, :, tf.newaxis] * end[:, tf.newaxis, :], start[:, 0] * end[:, 0]


def _beam_spans(
    outputs: dict[str, tf.Tensor], is_possible: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """As `_independent_spans`, where the ends depend on the starts: for the best starts only."""
    possible = is_possible[:, tf.newaxis, :]
    start = tf.nn.softmax(tf.where(is_possible, outputs[hub_api.START_LOGITS], _IMPOSSIBLE))
    end = tf.nn.softmax(tf.where(possible, outputs[hub_api.END_LOGITS], _IMPOSSIBLE))  # [W, K, S]
    positions = outputs[hub_api.START_POSITIONS]  # [W, K]
    probabilities = tf.gather(start, positions, batch_dims=1)[:, :, tf.newaxis] * end
    at_start = tf.one_hot(positions, tf.shape(start)[1])  # [W, K, S]
    spans = tf.einsum("wks,wke->wse", at_start, probabilities)
    return spans, tf.sigmoid(outputs[hub_api.CLS_LOGITS])


def _best(
    spans: _Spans, first: tf.Tensor, last: tf.Tensor, contexts: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Returns the answer of each context: the text whose spans have the largest sum of scores."""
    size = tf.size(contexts)
    texts = tf.strings.substr(tf.gather(contexts, spans.rows), first, last - first)  # [N]
    keys = tf.strings.join(
        [tf.strings.as_string(spans.rows), tf.strings.lower(texts, encoding="utf-8")], separator=" "
    )
    _, group = tf.unique(keys)  # int32 [N], in the order of their first spans
    sums = tf.math.unsorted_segment_sum(spans.scores, group, tf.size(group))
    scores = tf.gather(sums, group)  # [N]
    best = tf.math.unsorted_segment_max(scores, spans.rows, size)  # [B]
    numbers = tf.range(tf.size(scores))
    is_best = tf.equal(scores, tf.gather(best, spans.rows))
    candidates = tf.where(is_best, numbers, tf.size(scores))
    chosen = tf.math.unsorted_segment_min(candidates, spans.rows, size)  # [B]
    has_any = chosen < tf.size(scores)

    def pick(values: tf.Tensor, otherwise: Any) -> tf.Tensor:
        padded = tf.concat([values, [otherwise]], axis=0)
        return tf.gather(padded, tf.where(has_any, chosen, tf.size(scores)))

    return {
        hub_api.ANSWER_TEXT: pick(texts, ""),
        hub_api.SCORE: pick(scores, 0.0),
        hub_api.START: pick(first, 0),
        hub_api.END: pick(last, 0),
    }
