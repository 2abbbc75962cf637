"""Ids to inputs of the encoder: the `bert_pack_inputs` object of the preprocessor.

Example:
    pack = packing.BertPackInputs(
        start_of_sequence_id=2, end_of_segment_id=3, padding_id=0, default_seq_length=128
    )
    pack([tokens_a, tokens_b], seq_length=64)["input_word_ids"]  # int32 [B, 64]

A row is `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`, then padding. The lengths that are kept are
computed and the tokens gathered once, where TensorFlow Model Garden's BertPackInputs trims,
combines and pads with tf.text: the trimmer there reads past its buffers when the segments' batch
sizes differ, which is refused here.
"""

from collections.abc import Sequence

import tensorflow as tf

from configs import hub_api
from preprocess.steps import graph_checks

# The least sequence length by number of segments: the special tokens and a token a segment.
MIN_SEQ_LENGTH = {1: 3, 2: 5}

Packed = dict[str, tf.Tensor]

_VALUES = tf.TensorSpec([None], tf.int32)
_SPLITS = tf.TensorSpec([None], tf.int64)
_SCALAR = tf.TensorSpec([], tf.int32, "seq_length")


class BertPackInputs(tf.Module):
    """A callable that packs one or two segments into dense, padded rows."""

    def __init__(
        self,
        *,
        start_of_sequence_id: int,
        end_of_segment_id: int,
        padding_id: int,
        default_seq_length: int,
    ) -> None:
        """Traces the function for one and two segments of tokens or of words of tokens.

        Args:
          start_of_sequence_id: id of `[CLS]`.
          end_of_segment_id: id of `[SEP]`.
          padding_id: id of `<pad>`.
          default_seq_length: length of a row where the caller gives none.

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
                # Without seq_length the rows' static shape is known; shape inference needs it.
                for seq_length in (None, _SCALAR):
                    self.__call__.get_concrete_function(inputs, seq_length)

    @tf.function(autograph=False)
    def __call__(
        self,
        inputs: tf.RaggedTensor | Sequence[tf.RaggedTensor],
        seq_length: tf.Tensor | int | None = None,
    ) -> Packed:
        """Packs segments; those that are too long are cut to prefixes of about equal size.

        Two segments that do not fit are cut as if tokens were dealt in turn, first one first, until
        the row is full: a short segment leaves its room to the other.

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
          ValueError: there are not one or two segments, or, before it is saved and loaded, a
            `seq_length` that is a Python number is too small.
        """
        segments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(segments) not in MIN_SEQ_LENGTH:
            raise ValueError(f"one or two segments can be packed, got {len(segments)}")
        static_length = self._default_seq_length if seq_length is None else seq_length
        if isinstance(static_length, int) and static_length < MIN_SEQ_LENGTH[len(segments)]:
            raise ValueError(f"{_too_short(len(segments))} {static_length}")
        # Every way of calling this ends in one of two traced functions.
        pack = self._pack_one if len(segments) == 1 else self._pack_two
        flat = [part for segment in segments for part in _flat(segment)]
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
    """Returns the tokens and the row splits of a segment of tokens, or of words of tokens."""
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
    # Gathered by the first segment's rows, so that shape inference cannot fail on unequal batch
    # sizes with a message of its own before the check does.
    starts, lengths = [], []  # int32 [B] each
    for split in splits:
        start = tf.gather(tf.cast(split, tf.int32), rows)
        starts.append(start)
        lengths.append(tf.gather(tf.cast(split, tf.int32), rows + 1) - start)
    kept = _kept_lengths(lengths, seq_length - len(splits) - 1)
    parts = _parts(values, starts, kept)  # [B * N, (places)], N segments a row
    row_splits = parts.row_splits[:: len(splits)]
    # All tokens, with a place before the first and one behind the last.
    ids = tf.gather(tf.concat([[0], *values, [0]], axis=0), parts.values)
    ids = _put(ids, row_splits[:-1], start_of_sequence_id)
    ids = _put(ids, parts.row_splits[1:] - 1, end_of_segment_id)
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


def _parts(
    values: list[tf.Tensor], starts: list[tf.Tensor], kept: list[tf.Tensor]
) -> tf.RaggedTensor:
    """Returns the places, in all tokens behind one more place, of each segment's part of each row.

    That is its tokens and the place behind them, for `[SEP]`; the first one's begins a place
    earlier, for `[CLS]`.
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


def _put(ids: tf.Tensor, places: tf.Tensor, value: int) -> tf.Tensor:
    """Returns the ids with the value at the places."""
    updates = tf.fill([tf.size(places)], value)
    return tf.tensor_scatter_nd_update(ids, places[:, tf.newaxis], updates)


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
    """Returns how many tokens [B] of each segment fit into `room` tokens, dealt round robin."""
    if len(lengths) == 1:
        return [tf.minimum(lengths[0], room)]
    first, second = lengths
    half = room // 2
    return [
        tf.minimum(first, tf.maximum(room - half, room - second)),
        tf.minimum(second, tf.maximum(half, room - first)),
    ]
