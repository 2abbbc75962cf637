"""Packs ids into inputs of the encoder: the `bert_pack_inputs` object of the preprocessor.

Example:
    pack = pack_inputs.BertPackInputs(
        start_of_sequence_id=2, end_of_segment_id=3, padding_id=0, default_seq_length=128
    )
    pack([tokens_a, tokens_b], seq_length=64)["input_word_ids"]  # int32 [B, 64]

A row is `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`, then padding. TensorFlow Model Garden's
BertPackInputs trims, combines and pads with tf.text, whose trimmer reads past its buffers if the
segments' batch sizes differ. This one gathers the tokens once, and refuses such segments.
"""

from collections.abc import Sequence

import tensorflow as tf

from configs import hub_api
from preprocess.steps import graph_checks

# The least sequence length by number of segments: the special tokens and one token per segment.
MIN_SEQ_LENGTH = {1: 3, 2: 5}

Packed = dict[str, tf.Tensor]

_VALUES = tf.TensorSpec([None], tf.int32)
_SPLITS = tf.TensorSpec([None], tf.int64)
_SCALAR = tf.TensorSpec([], tf.int32, "seq_length")


class BertPackInputs(tf.Module):
    """Packs one or two segments into dense, padded rows."""

    def __init__(
        self,
        *,
        start_of_sequence_id: int,
        end_of_segment_id: int,
        padding_id: int,
        default_seq_length: int,
    ) -> None:
        """Traces the function for one and two segments, of tokens and of words of tokens.

        Args:
          start_of_sequence_id: id of `[CLS]`.
          end_of_segment_id: id of `[SEP]`.
          padding_id: id of `<pad>`.
          default_seq_length: length of a row if the caller gives none.

        Raises:
          ValueError: `default_seq_length` is too small for one segment.
        """
        super().__init__()
        if default_seq_length < MIN_SEQ_LENGTH[1]:
            raise ValueError(
                f"default_seq_length must be at least {MIN_SEQ_LENGTH[1]}, got {default_seq_length}"
            )
        self._special_ids = {
            "start_of_sequence_id": start_of_sequence_id,
            "end_of_segment_id": end_of_segment_id,
            "padding_id": padding_id,
        }
        self._default_seq_length = default_seq_length
        for ragged_rank in (1, 2):
            spec = tf.RaggedTensorSpec([None] * (ragged_rank + 1), tf.int32)
            for inputs in (spec, [spec], [spec, spec]):
                # None lets shape inference know the rows' length.
                for seq_length in (None, _SCALAR):
                    self.__call__.get_concrete_function(inputs, seq_length)

    @tf.function(autograph=False)
    def __call__(
        self,
        inputs: tf.RaggedTensor | Sequence[tf.RaggedTensor],
        seq_length: tf.Tensor | int | None = None,
    ) -> Packed:
        """Packs segments, cut to prefixes of about equal size if they are too long.

        Two segments fill the row in turn, one token each, the first segment first. A segment that
        runs out of tokens leaves its room to the other.

        Args:
          inputs: one segment, or a list of one or two, each an int32 ragged tensor [B, (tokens)] or
            [B, (words), (tokens)].
          seq_length: scalar int32, the length of a row; None for the default.

        Returns:
          int32 [B, seq_length] by name: `input_word_ids`, `input_mask` (1 at tokens, 0 at padding)
          and `input_type_ids` (0 for `[CLS]`, the first segment and its `[SEP]`, 1 for the second
          and its `[SEP]`, 0 at padding).

        Raises:
          tf.errors.InvalidArgumentError: the segments' batch sizes differ, or `seq_length` is less
            than 3 for one segment or 5 for two.
          ValueError: there are not one or two segments, or `seq_length` is a Python number and too
            small. (A loaded SavedModel takes Python numbers for tensors.)
        """
        segments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(segments) not in MIN_SEQ_LENGTH:
            raise ValueError(f"one or two segments can be packed, got {len(segments)}")
        static_length = self._default_seq_length if seq_length is None else seq_length
        if isinstance(static_length, int) and static_length < MIN_SEQ_LENGTH[len(segments)]:
            raise ValueError(f"{_too_short(len(segments))} {static_length}")
        # All signatures share these two traced functions.
        pack = self._pack_one if len(segments) == 1 else self._pack_two
        flat = [tensor for segment in segments for tensor in _flat(segment)]
        packed = pack(*flat, tf.convert_to_tensor(static_length, tf.int32))
        shape = [None, static_length if isinstance(static_length, int) else None]
        return {name: tf.ensure_shape(ids, shape) for name, ids in packed.items()}

    @tf.function(input_signature=[_VALUES, _SPLITS, _SCALAR], autograph=False)
    def _pack_one(self, values: tf.Tensor, splits: tf.Tensor, seq_length: tf.Tensor) -> Packed:
        return _pack([values], [splits], seq_length, **self._special_ids)

    @tf.function(input_signature=[_VALUES, _SPLITS, _VALUES, _SPLITS, _SCALAR], autograph=False)
    def _pack_two(
        self,
        first_values: tf.Tensor,
        first_splits: tf.Tensor,
        second_values: tf.Tensor,
        second_splits: tf.Tensor,
        seq_length: tf.Tensor,
    ) -> Packed:
        values, splits = [first_values, second_values], [first_splits, second_splits]
        return _pack(values, splits, seq_length, **self._special_ids)


def _flat(segment: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the tokens and the row splits of a segment, without the boundaries of words."""
    splits = segment.nested_row_splits[-1]
    for outer in reversed(segment.nested_row_splits[:-1]):
        splits = tf.gather(splits, outer)
    return segment.flat_values, splits


def _pack(
    values: list[tf.Tensor],
    splits: list[tf.Tensor],
    seq_length: tf.Tensor,
    *,
    start_of_sequence_id: int,
    end_of_segment_id: int,
    padding_id: int,
) -> Packed:
    with tf.control_dependencies(_checks(splits, seq_length)):
        seq_length = tf.identity(seq_length)
        rows = tf.range(tf.size(tf.identity(splits[0])) - 1)  # [B]
    # The first segment's rows index both, or shape inference would report unequal batch sizes
    # before the check does.
    starts, lengths = [], []  # int32 [B] each
    for split in splits:
        start = tf.gather(tf.cast(split, tf.int32), rows)
        starts.append(start)
        lengths.append(tf.gather(tf.cast(split, tf.int32), rows + 1) - start)
    kept = _kept_lengths(lengths, seq_length - len(splits) - 1)
    indices = _indices(values, starts, kept)  # [B * N, (tokens)] of N segments per row
    row_splits = indices.row_splits[:: len(splits)]
    # The zeros before and behind all tokens are for `[CLS]` and `[SEP]`.
    ids = tf.gather(tf.concat([[0], *values, [0]], axis=0), indices.values)
    ids = _replace(ids, row_splits[:-1], start_of_sequence_id)
    ids = _replace(ids, indices.row_splits[1:] - 1, end_of_segment_id)
    ragged = tf.RaggedTensor.from_row_splits(ids, row_splits, validate=False)
    mask = tf.sequence_mask(ragged.row_lengths(), seq_length, tf.int32)  # [B, S]
    type_ids = tf.zeros_like(mask)
    if len(splits) == 2:
        type_ids = mask - tf.sequence_mask(kept[0] + 2, seq_length, tf.int32)
    return {
        hub_api.INPUT_WORD_IDS: ragged.to_tensor(padding_id, shape=tf.stack([-1, seq_length])),
        hub_api.INPUT_MASK: mask,
        hub_api.INPUT_TYPE_IDS: type_ids,
    }


def _indices(
    values: list[tf.Tensor], starts: list[tf.Tensor], kept: list[tf.Tensor]
) -> tf.RaggedTensor:
    """Returns the indices of each row's segments in a zero followed by all tokens.

    A segment includes the index behind its kept tokens, for `[SEP]`. The first segment also
    includes the index before them, for `[CLS]`.
    """
    firsts, limits = [], []
    offset = 1
    for number, segment in enumerate(values):
        source = starts[number] + offset
        firsts.append(source - 1 if number == 0 else source)
        limits.append(source + kept[number] + 1)
        offset += tf.size(segment)
    return tf.ragged.range(
        tf.reshape(tf.stack(firsts, axis=1), [-1]), tf.reshape(tf.stack(limits, axis=1), [-1])
    )


def _replace(ids: tf.Tensor, indices: tf.Tensor, value: int) -> tf.Tensor:
    """Returns the ids with `value` at the indices."""
    updates = tf.fill([tf.size(indices)], value)
    return tf.tensor_scatter_nd_update(ids, indices[:, tf.newaxis], updates)


def _checks(splits: list[tf.Tensor], seq_length: tf.Tensor) -> list[tf.Operation]:
    least = MIN_SEQ_LENGTH[len(splits)]
    checks = [graph_checks.check(seq_length >= least, _too_short(len(splits)), seq_length)]
    if len(splits) == 2:
        sizes = [tf.size(split) - 1 for split in splits]
        message = "segments must have equal batch sizes, got"
        checks.append(graph_checks.check(sizes[0] == sizes[1], message, *sizes))
    return checks


def _too_short(number_of_segments: int) -> str:
    least = MIN_SEQ_LENGTH[number_of_segments]
    return f"seq_length must be at least {least} to pack {number_of_segments} segment(s), got"


def _kept_lengths(lengths: list[tf.Tensor], room: tf.Tensor) -> list[tf.Tensor]:
    """Returns the tokens [B] of each segment that fit into `room`, dealt round robin."""
    if len(lengths) == 1:
        return [tf.minimum(lengths[0], room)]
    first, second = lengths
    half = room // 2
    return [
        tf.minimum(first, tf.maximum(room - half, room - second)),
        tf.minimum(second, tf.maximum(half, room - first)),
    ]
