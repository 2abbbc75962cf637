"""Texts to the inputs of an encoder, in the graph of a text model.

    texts = texts.Texts(preprocessor, max_seq_length=512, boundary=" ", fair_pairs=True)
    tokens, truncated = texts.tokens(sentences)
    inputs = texts.pack([tokens])

Rows are as long as the longest text of the batch: `.unpadded` computes nothing for padding.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from configs import hub_api
from preprocess.normalization import unicode_sets
from preprocess.steps import graph_checks
from preprocess.tokenizers import truncation

# [CLS] and [SEP], or [CLS] and two [SEP].
_NUM_SPECIAL_TOKENS = {1: 2, 2: 3}
# What `bert_pack_inputs` needs.
_MIN_SEQ_LENGTH = {1: 3, 2: 5}


class Texts:
    """Tokenizes and packs texts with an exported preprocessor.

    Attributes:
      preprocessor: the loaded SavedModel.
      max_seq_length: tokens after which a text is cut, special tokens included.
    """

    def __init__(
        self, preprocessor: Any, *, max_seq_length: int, boundary: str | None, fair_pairs: bool
    ) -> None:
        """Takes what its manifest says.

        Args:
          preprocessor: the loaded SavedModel.
          max_seq_length: tokens after which a text is cut, special tokens included.
          boundary: RE2 of one character before which a text may be cut; None if there is none.
          fair_pairs: whether pairs are cut as Hugging Face's `longest_first` does it; else as
            `bert_pack_inputs` does.
        """
        self.preprocessor = preprocessor
        self.max_seq_length = max_seq_length
        self._boundary = boundary
        self._fair_pairs = fair_pairs
        # Traced once, however many graphs call them.
        self._shared_tokens = tf.function(self._tokens, autograph=False)
        self._shared_pair = tf.function(self._pair, autograph=False)

    def room(self, segments: int = 1) -> int:
        """Returns the number of tokens that fit beside the special tokens."""
        return self.max_seq_length - _NUM_SPECIAL_TOKENS[segments]

    def tokens(
        self, sentences: tf.Tensor, *, segments: int = 1
    ) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """Returns the first tokens of each sentence, as many as fit, and whether there are more.

        Args:
          sentences: string [B].
          segments: the number of segments of a row.

        Returns:
          int32 [B, (tokens)] and bool [B].
        """
        return self._shared_tokens(sentences, tf.constant(self.room(segments)))

    def _tokens(self, sentences: tf.Tensor, count: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        if self._boundary is None:
            ids = self.preprocessor.tokenize(sentences)
        else:
            ids = truncation.encode_prefix(
                sentences,
                count=count + 1,  # one more tells whether the text is longer
                encode=self.preprocessor.tokenize,
                boundary=self._boundary,
            )
        return first_tokens(ids, count), ids.row_lengths() > tf.cast(count, tf.int64)

    def pair(self, first: tf.Tensor, second: tf.Tensor) -> tuple[list[tf.RaggedTensor], tf.Tensor]:
        """Returns the tokens of two segments, cut to fit into a row, and whether they were cut."""
        return self._shared_pair(first, second)

    def _pair(self, first: tf.Tensor, second: tf.Tensor) -> tuple[list[tf.RaggedTensor], tf.Tensor]:
        room = self.room(2)
        first, second = same_size(first, second)
        if not self._fair_pairs:
            ids, is_cut = self.tokens(tf.concat([first, second], axis=0), segments=2)
            segments, (one_cut, other_cut) = _halves(ids), tf.split(is_cut, 2)
            total = tf.add_n([segment.row_lengths() for segment in segments])
            return segments, (total > room) | one_cut | other_cut
        # All tokens, as it counts which text is the longer one.
        one, other = _halves(self.preprocessor.tokenize(tf.concat([first, second], axis=0)))
        lengths = [tf.cast(segment.row_lengths(), tf.int32) for segment in (one, other)]  # [B]
        truncated = lengths[0] + lengths[1] > room
        # The shorter one keeps up to half of the room, the longer one the rest; of equals the
        # second counts as the longer one (tokenizers, utils/truncation.rs).
        is_first_longer = lengths[0] > lengths[1]
        of_shorter = tf.minimum(tf.minimum(*lengths), room // 2)
        of_longer = room - of_shorter
        kept = (
            tf.where(is_first_longer, of_longer, of_shorter),
            tf.where(is_first_longer, of_shorter, of_longer),
        )
        segments = [
            first_tokens(ids, tf.where(truncated, count, length))
            for ids, count, length in zip((one, other), kept, lengths, strict=True)
        ]
        return segments, truncated

    def pack(self, segments: Sequence[tf.RaggedTensor]) -> dict[str, tf.Tensor]:
        """Returns the inputs of the encoder, int32 [B, S], in rows as long as the longest."""
        number = len(segments)
        lengths = tf.add_n([segment.row_lengths() for segment in segments])  # [B]
        # A batch may be empty.
        longest = tf.reduce_max(tf.concat([lengths, [0]], axis=0)) + _NUM_SPECIAL_TOKENS[number]
        longest = tf.maximum(tf.cast(longest, tf.int32), _MIN_SEQ_LENGTH[number])
        seq_length = tf.minimum(longest, self.max_seq_length)
        packed = self.preprocessor.bert_pack_inputs(list(segments), seq_length=seq_length)
        # A loaded function's outputs are in another order in every process, and the names of the
        # arguments of what is called with them would be, too.
        return {name: packed[name] for name in hub_api.ENCODER_INPUTS}


def without_white_space(
    texts: tf.Tensor, start: tf.Tensor, end: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns where spans of texts, in bytes, start and end without white space at their ends.

    Args:
      texts: string [N].
      start: int32 [N].
      end: int32 [N].
    """
    found = tf.strings.substr(texts, start, end - start)
    found = tf.strings.regex_replace(found, f"^[{unicode_sets.WHITE_SPACE}]+", "")
    start = end - tf.strings.length(found)
    found = tf.strings.regex_replace(found, f"[{unicode_sets.WHITE_SPACE}]+$", "")
    return start, start + tf.strings.length(found)


def same_size(first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns both, which must have equal batch sizes.

    Raises:
      tf.errors.InvalidArgumentError: in the graph; they have not.
    """
    sizes = tf.size(first), tf.size(second)
    check = graph_checks.check(
        tf.equal(*sizes), "both inputs must have the same number of texts, got", *sizes
    )
    with tf.control_dependencies([check]):
        return tf.identity(first), tf.identity(second)


def _halves(ids: tf.RaggedTensor) -> list[tf.RaggedTensor]:
    """Returns the first and the second half of the rows."""
    return [tf.gather(ids, rows) for rows in tf.split(tf.range(ids.nrows()), 2)]


def first_tokens(tokens: tf.RaggedTensor, counts: tf.Tensor | int) -> tf.RaggedTensor:
    """Returns the first tokens of each row: `counts` [B] of them, or fewer where there are fewer.

    In few ops: slices and masks of ragged tensors take a second to trace.
    """
    starts, lengths = tokens.row_starts(), tokens.row_lengths()
    kept = tf.ragged.range(starts, starts + tf.minimum(lengths, tf.cast(counts, tf.int64)))
    return kept.with_values(tf.gather(tokens.values, kept.values))


def encode(encoder: Any, inputs: dict[str, tf.Tensor], training: bool) -> dict[str, Any]:
    """Returns an encoder's outputs, with a `sequence_output` that is zero at padding."""
    if hasattr(encoder, hub_api.UNPADDED):
        return encoder.unpadded(inputs, training=training)
    outputs = encoder(inputs, training=training)  # TF Hub's
    mask = tf.cast(inputs[hub_api.INPUT_MASK], tf.float32)[:, :, tf.newaxis]
    return {**outputs, hub_api.SEQUENCE_OUTPUT: outputs[hub_api.SEQUENCE_OUTPUT] * mask}
