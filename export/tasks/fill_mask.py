"""Words for the one `[MASK]` in each text, by the encoder's `.mlm`.

    fill_mask.FillMask(encoder, texts, mask="[MASK]", ...)(sentences, training=False)["tokens"]

As transformers' fill-mask pipeline.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from configs import hub_api
from export.tasks import texts as texts_module
from preprocess.vocabulary import wordpiece_vocabulary

NUM_ANSWERS = 5


class FillMask:
    """Computes the most likely tokens."""

    def __init__(
        self,
        encoder: Any,
        texts: texts_module.Texts,
        *,
        mask: str,
        mask_id: int,
        num_pieces: int,
        is_token: bool,
        is_wordpiece: bool,
    ) -> None:
        """Takes what is known of the tokenizer.

        Args:
          encoder: a loaded encoder.
          texts: makes its inputs.
          mask: the text of the mask token.
          mask_id: its id.
          num_pieces: the number of ids that have a piece: no other is an answer.
          is_token: whether the preprocessor makes a token of it in a text.
          is_wordpiece: whether `##` says of a token that it continues a word.
        """
        self._encoder = encoder
        self._texts = texts
        self._mask = mask
        self._mask_id = mask_id
        self._num_pieces = num_pieces
        self._is_token = is_token
        self._is_wordpiece = is_wordpiece

    def __call__(self, sentences: tf.Tensor, training: bool) -> dict[str, tf.Tensor]:
        """Returns the outputs by name, of string [B], K for each from the most likely on.

        `tokens` string [B, K]; `scores` float32 [B, K], the probability among all rows of the
        vocabulary; `sentences` string [B, K], the texts with the tokens in place of the mask;
        `truncated` bool [B], whether the encoder saw less than the text.

        Raises:
          tf.errors.InvalidArgumentError: a text has not exactly one mask that fits into a row.
        """
        ids, truncated = self._ids(sentences)  # [B, (tokens)], [B]
        is_mask = tf.equal(ids.values, self._mask_id)
        found = tf.reduce_sum(ids.with_values(tf.cast(is_mask, tf.int32)), axis=1)  # [B]
        check = tf.debugging.Assert(
            tf.reduce_all(tf.equal(found, 1)),
            [
                f"each text must have exactly one {self._mask} within its first "
                f"{self._texts.room()} tokens; numbers of them:",
                found,
            ],
            summarize=20,
        )
        with tf.control_dependencies([check]):
            inputs = self._texts.pack([ids])
        word_ids = inputs[hub_api.INPUT_WORD_IDS]
        positions = tf.argmax(tf.equal(word_ids, self._mask_id), axis=1, output_type=tf.int32)
        outputs = self._encoder.unpadded.mlm(
            {**inputs, hub_api.MASKED_LM_POSITIONS: positions[:, tf.newaxis]}, training=training
        )
        probabilities = tf.nn.softmax(outputs[hub_api.MLM_LOGITS][:, 0, :])  # [B, V]
        best = tf.math.top_k(probabilities[:, : self._num_pieces], NUM_ANSWERS)  # [B, K]
        tokens = self._texts_of(best.indices)
        return {
            hub_api.TOKENS: tokens,
            hub_api.SCORES: best.values,
            hub_api.SENTENCES: self._filled(sentences, tokens),
            hub_api.TRUNCATED: truncated,
        }

    def _ids(self, sentences: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        if self._is_token:
            return self._texts.tokens(sentences)
        room = self._texts.room()
        tokenize = self._texts.preprocessor.tokenize
        ids = with_masks(sentences, tokenize=tokenize, mask=self._mask, mask_id=self._mask_id)
        return texts_module.first_tokens(ids, room), ids.row_lengths() > room

    def _filled(self, sentences: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """Returns the texts as they were written, with each of the tokens in place of the mask."""
        if self._is_wordpiece:
            tokens = tf.strings.regex_replace(tokens, f"^{wordpiece_vocabulary.CONTINUES}", "")
        split = tf.strings.split(sentences, self._mask, maxsplit=1)
        parts = split.to_tensor(shape=[None, 2])  # [B, 2]
        before, after = (
            tf.repeat(parts[:, part, tf.newaxis], NUM_ANSWERS, axis=1) for part in (0, 1)
        )
        return tf.strings.join([before, tokens, after])

    def _texts_of(self, ids: tf.Tensor) -> tf.Tensor:
        alone = tf.RaggedTensor.from_tensor(tf.reshape(ids, [-1, 1]))
        texts = self._texts.preprocessor.tokenize.detokenize(alone)
        return tf.reshape(texts, tf.shape(ids))


def with_masks(
    sentences: tf.Tensor,
    *,
    tokenize: Callable[[tf.Tensor], tf.RaggedTensor],
    mask: str,
    mask_id: int,
) -> tf.RaggedTensor:
    """Returns the ids of texts, string [B], whose mask is no token for the tokenizer.

    Args:
      sentences: string [B].
      tokenize: from string [N] to ids, int32 [N, (tokens)].
      mask: the text of the mask token.
      mask_id: its id.

    Returns:
      int32 [B, (tokens)]: those of what is before, between and behind the masks, and theirs.
    """
    parts = tf.strings.split(sentences, mask)  # [B, (parts)]
    ids = tf.RaggedTensor.from_row_splits(
        tokenize(parts.values), parts.row_splits, validate=False
    )  # [B, (parts), (tokens)]
    # A mask before every part but a text's first.
    is_first = tf.equal(tf.ragged.range(parts.row_lengths()).values, 0)
    masks = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.reduce_sum(tf.cast(~is_first, tf.int32))], mask_id),
        tf.cast(~is_first, tf.int64),
        validate=False,
    )
    joined = tf.concat([masks, ids.values], axis=1)
    return ids.with_values(joined).merge_dims(1, 2)
