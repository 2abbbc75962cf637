"""Tests of `preprocess.steps.pack_inputs`."""

import random

import pytest
import tensorflow as tf

from configs import hub_api
from preprocess.steps import pack_inputs
from tests.support import preprocess_golden

_CLS, _SEP, _PAD = 2, 3, 0


@pytest.fixture(scope="module")
def pack():
    return pack_inputs.BertPackInputs(
        start_of_sequence_id=_CLS, end_of_segment_id=_SEP, padding_id=_PAD, default_seq_length=128
    )


def _as_lists(packed):
    assert all(tensor.dtype == tf.int32 for tensor in packed.values())
    return {name: tensor.numpy().tolist() for name, tensor in packed.items()}


def _dealt(segments, seq_length):
    """Packs one example by the contract's rules, one token at a time."""
    kept = [[] for _ in segments]
    waiting = [list(segment) for segment in segments]
    room = seq_length - len(segments) - 1
    while room and any(waiting):
        for segment, rest in zip(kept, waiting, strict=True):
            if room and rest:
                segment.append(rest.pop(0))
                room -= 1
    ids, types = [_CLS], [0]
    for number, segment in enumerate(kept):
        ids += [*segment, _SEP]
        types += [number] * (len(segment) + 1)
    padding = [0] * (seq_length - len(ids))
    return ids + padding, [1] * len(ids) + padding, types + padding


@pytest.mark.parametrize(
    "case", preprocess_golden.table()["packed"], ids=lambda case: case["note"].replace(" ", "_")
)
def test_rows_equal_model_gardens(pack, case):
    segments = [
        preprocess_golden.ragged(rows, ragged_rank=case["ragged_rank"]) for rows in case["segments"]
    ]
    packed = _as_lists(pack(segments, seq_length=case["seq_length"]))
    assert packed == {name: case[name] for name in hub_api.ENCODER_INPUTS}


def test_rows_equal_tokens_dealt_in_turn(pack):
    draw = random.Random(5)
    for number_of_segments in (1, 2):
        for _ in range(20):
            seq_length = draw.randint(pack_inputs.MIN_SEQ_LENGTH[number_of_segments], 20)
            rows = [
                [[draw.randint(5, 99) for _ in range(draw.randint(0, 25))] for _ in range(7)]
                for _ in range(number_of_segments)
            ]
            segments = [preprocess_golden.ragged(segment, ragged_rank=1) for segment in rows]
            packed = _as_lists(pack(segments, seq_length=seq_length))
            examples = zip(*rows, strict=True)
            expected = [_dealt(example, seq_length) for example in examples]
            assert packed["input_word_ids"] == [ids for ids, _, _ in expected]
            assert packed["input_mask"] == [mask for _, mask, _ in expected]
            assert packed["input_type_ids"] == [types for _, _, types in expected]


def test_a_bare_segment_is_a_list_of_one(pack):
    for ragged_rank, rows in ((1, [[7, 8], [9]]), (2, [[[7], [8, 9]], []])):
        segment = preprocess_golden.ragged(rows, ragged_rank=ragged_rank)
        assert _as_lists(pack(segment, seq_length=6)) == _as_lists(pack([segment], seq_length=6))


def test_the_default_length_is_static(pack):
    segment = preprocess_golden.ragged([[7, 8], [9]], ragged_rank=1)
    assert _as_lists(pack([segment])) == _as_lists(pack([segment], seq_length=128))
    traced = pack.__call__.get_concrete_function([tf.RaggedTensorSpec([None, None], tf.int32)])
    assert all(shape.as_list() == [None, 128] for shape in traced.output_shapes.values())


def test_unequal_batch_sizes_are_refused(pack):
    two = preprocess_golden.ragged([[7, 8], [9]], ragged_rank=1)
    three = preprocess_golden.ragged([[7, 8], [9], []], ragged_rank=1)
    for segments in ([two, three], [three, two], [two, three[:0]]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="equal batch sizes"):
            pack(segments, seq_length=10)


@pytest.mark.parametrize(("number_of_segments", "least"), [(1, 3), (2, 5)])
def test_too_short_rows_are_refused(pack, number_of_segments, least):
    segments = [preprocess_golden.ragged([[7, 8]], ragged_rank=1)] * number_of_segments
    pack(segments, seq_length=least)
    message = rf"at least {least} to pack {number_of_segments} segment"
    for seq_length in (least - 1, 0, -1):
        with pytest.raises(ValueError, match=rf"{message}.* {seq_length}$"):
            pack(segments, seq_length=seq_length)
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{message}.*\[{seq_length}\]"):
            pack(segments, seq_length=tf.constant(seq_length))


def test_three_segments_are_refused(pack):
    segment = preprocess_golden.ragged([[7, 8]], ragged_rank=1)
    with pytest.raises(ValueError, match="one or two segments can be packed, got 3"):
        pack([segment] * 3)


def test_a_default_length_without_room_is_refused():
    with pytest.raises(ValueError, match="default_seq_length must be at least 3, got 2"):
        pack_inputs.BertPackInputs(
            start_of_sequence_id=2, end_of_segment_id=3, padding_id=0, default_seq_length=2
        )
