"""Rows of texts in ONNX are cut and packed as the libraries whose rules they follow do it."""

import types

import numpy as np
import onnxruntime
import pytest
import tokenizers
from tokenizers import models, processors

from configs import hub_api
from export.conversion.onnx import packed_texts
from export.conversion.onnx.graph_builder import GraphBuilder
from export.conversion.text import text_source

_CLS, _SEP, _PAD = 2, 3, 0
_FIRST_ID = 10
_LENGTHS = [(0, 0), (0, 9), (9, 0), (1, 9), (9, 1), (3, 3), (4, 4), (4, 5), (5, 4), (2, 4), (8, 9)]


def _source(max_seq_length, is_fair):
    described = types.SimpleNamespace(
        start_of_sequence_id=_CLS, end_of_segment_id=_SEP, padding_id=_PAD
    )
    return types.SimpleNamespace(
        room=lambda segments: max_seq_length - text_source.NUM_SPECIAL_TOKENS[segments],
        has_fair_pairs=is_fair,
        tokenizer=types.SimpleNamespace(described=described),
    )


def _run(texts, **settings):
    """Returns ids, mask, types and what was cut, for the ids of one or two texts of each row."""
    graph = GraphBuilder(
        {f"{name}_{number}": [name] for number in range(len(texts)) for name in "isl"}
    )
    segments = [
        packed_texts.Segment(
            ids=f"i_{number}",
            starts=graph.cast(f"s_{number}", np.int64),
            lengths=graph.cast(f"l_{number}", np.int64),
        )
        for number in range(len(texts))
    ]
    inputs, truncated = packed_texts.write(graph, segments, source=_source(**settings))
    outputs = {name: (inputs[name], np.int32, ["b", "s"]) for name in hub_api.ENCODER_INPUTS}
    outputs[hub_api.TRUNCATED] = (truncated, np.bool_, ["b"])
    model = graph.model(outputs, name="packed").SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given = {}
    for number, rows in enumerate(texts):
        lengths = np.array([len(row) for row in rows], np.int32)
        given |= {
            f"i_{number}": np.array([one for row in rows for one in row], np.int32),
            f"s_{number}": np.cumsum(lengths, dtype=np.int32) - lengths,
            f"l_{number}": lengths,
        }
    return [array.tolist() for array in session.run(None, given)]


def _longest_first(first, second, max_seq_length):
    """Cuts as `tokenizers` does."""
    vocabulary = {str(number): number for number in range(100)}
    made = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="0"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="2 $A 3", pair="2 $A 3 $B:1 3:1", special_tokens=[("2", 2), ("3", 3)]
    )
    made.enable_truncation(max_seq_length, strategy="longest_first")
    encoding = made.encode(*(" ".join(map(str, ids)) for ids in (first, second)))
    return encoding.ids, encoding.type_ids


def _in_turn(first, second, max_seq_length):
    """Cuts as Model Garden does: one token of each in turn, the first segment first."""
    kept, rest = [[], []], [list(first), list(second)]
    while sum(map(len, kept)) < max_seq_length - 3 and any(rest):
        for number in (0, 1):
            if rest[number] and sum(map(len, kept)) < max_seq_length - 3:
                kept[number].append(rest[number].pop(0))
    ids = [_CLS, *kept[0], _SEP, *kept[1], _SEP]
    return ids, [0] * (len(kept[0]) + 2) + [1] * (len(kept[1]) + 1)


@pytest.mark.parametrize(("is_fair", "cut"), [(True, _longest_first), (False, _in_turn)])
@pytest.mark.parametrize("max_seq_length", [11, 12])
def test_pairs_are_cut_as_the_tokenizer_cuts_them(is_fair, cut, max_seq_length):
    texts = [
        [list(range(_FIRST_ID + 20 * part, _FIRST_ID + 20 * part + row[part])) for row in _LENGTHS]
        for part in (0, 1)
    ]
    found = _run(texts, max_seq_length=max_seq_length, is_fair=is_fair)
    for first, second, ids, mask, type_ids, truncated in zip(*texts, *found, strict=True):
        expected, types_of_expected = cut(first, second, max_seq_length)
        padding = [0] * (len(ids) - len(expected))
        assert ids == expected + padding
        assert mask == [1] * len(expected) + padding
        assert type_ids == types_of_expected + padding
        assert truncated == (len(first) + len(second) > max_seq_length - 3)
    assert max(map(len, found[0])) == max_seq_length


def test_one_text_is_cut_at_its_end():
    texts = [[], [7], [7, 8, 9, 10], [7, 8, 9, 10, 11]]
    ids, mask, type_ids, truncated = _run([texts], max_seq_length=6, is_fair=True)
    assert ids == [
        [_CLS, _SEP, 0, 0, 0, 0],
        [_CLS, 7, _SEP, 0, 0, 0],
        [_CLS, 7, 8, 9, 10, _SEP],
        [_CLS, 7, 8, 9, 10, _SEP],
    ]
    assert mask == [[int(one > 0) for one in row] for row in ids]
    assert type_ids == np.zeros_like(ids).tolist()
    assert truncated == [False, False, False, True]


@pytest.mark.parametrize("sizes", [(1, 3), (3, 1), (2, 3)])
def test_pairs_with_other_numbers_of_texts_are_refused(sizes):
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        _run([[[7]] * size for size in sizes], max_seq_length=11, is_fair=True)
