"""Tests of `preprocess.steps.mask_lm`.

The statistics are compared with those of `_mask_one`, which is plain Python, written from the
description of the original's rules.
"""

import random

import numpy as np
import pytest
import tensorflow as tf

from preprocess.steps import mask_lm

_PAD, _CLS, _SEP, _MASK = 0, 2, 3, 4
_SPECIALS = [_PAD, _CLS, _SEP, _MASK]
_VOCAB_SIZE = 300
_STARTS_WORD = np.arange(_VOCAB_SIZE) % 3 != 0  # a third of the ids continues a word


@pytest.fixture(scope="module", name="mask_lm")
def _mask_lm():
    return mask_lm.MaskLm(starts_word=_STARTS_WORD, mask_id=_MASK, special_ids=_SPECIALS)


def _row(draw, length, seq_length):
    """Returns packed pairs of random tokens."""
    first = draw.randint(1, length - 4)
    ids = [draw.randrange(5, _VOCAB_SIZE) for _ in range(length)]
    ids[0], ids[first], ids[-1] = _CLS, _SEP, _SEP
    padding = [_PAD] * (seq_length - length)
    types = [0] * (first + 1) + [1] * (length - first - 1)
    return ids + padding, [1] * length + padding, types + padding


def _packed(draw, batch_size, *, seq_length=128, lengths=(5, 128)):
    rows = [_row(draw, draw.randint(*lengths), seq_length) for _ in range(batch_size)]
    names = ("input_word_ids", "input_mask", "input_type_ids")
    return {
        name: tf.constant(column, tf.int32)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def _words_of(ids):
    """Returns the positions of each word of a row."""
    words = []
    follows = False
    for position, token in enumerate(ids):
        if token in _SPECIALS:
            follows = False
            continue
        if follows and not _STARTS_WORD[token]:
            words[-1].append(position)
        else:
            words.append([position])
        follows = True
    return words


def _mask_one(draw, ids, *, prob=0.15, max_predictions=20):
    """Returns the masked positions in ascending order, and the tokens that replace theirs."""
    words = _words_of(ids)
    length = sum(token != _PAD for token in ids)
    wanted = min(max_predictions, max(1, round(length * prob)))
    starts = list(range(len(words)))
    draw.shuffle(starts)
    grams, covered = [], set()
    for start in starts:
        if len(covered) >= wanted:
            break
        available = min(3, len(words) - start)
        n = draw.choices(range(1, available + 1), [1 / k for k in range(1, available + 1)])[0]
        while n and len(covered) + sum(map(len, words[start : start + n])) > wanted:
            n -= 1
        gram = [position for word in words[start : start + n] for position in word]
        if not gram or covered & set(gram):
            continue
        covered |= set(gram)
        grams.append(gram)
    fates = []
    for position in sorted(covered):
        if draw.random() < 0.8:
            fates.append(_MASK)
        else:
            kept = draw.random() < 0.5
            fates.append(ids[position] if kept else draw.randrange(_VOCAB_SIZE))
    return sorted(covered), fates


def _masked_positions(masked):
    weights = masked["masked_lm_weights"].numpy() > 0
    return [
        row[used].tolist()
        for row, used in zip(masked["masked_lm_positions"].numpy(), weights, strict=True)
    ]


def test_outputs_are_the_inputs_of_mlm_and_labels(mask_lm):
    packed = _packed(random.Random(1), 16)
    masked = mask_lm(packed, seed=7)
    assert {name: (tensor.dtype, *tensor.shape) for name, tensor in masked.items()} == {
        "input_word_ids": (tf.int32, 16, 128),
        "input_mask": (tf.int32, 16, 128),
        "input_type_ids": (tf.int32, 16, 128),
        "masked_lm_positions": (tf.int32, 16, 20),
        "masked_lm_ids": (tf.int32, 16, 20),
        "masked_lm_weights": (tf.float32, 16, 20),
    }
    for name in ("input_mask", "input_type_ids"):
        tf.debugging.assert_equal(masked[name], packed[name])


def test_labels_are_the_tokens_that_were_there(mask_lm):
    packed = _packed(random.Random(2), 64)
    masked = {name: tensor.numpy() for name, tensor in mask_lm(packed, seed=7).items()}
    before = packed["input_word_ids"].numpy()
    for row in range(64):
        used = masked["masked_lm_weights"][row] == 1
        positions = masked["masked_lm_positions"][row]
        assert (np.diff(positions[used]) > 0).all()
        assert (masked["masked_lm_ids"][row][used] == before[row][positions[used]]).all()
        assert not positions[~used].any() and not masked["masked_lm_ids"][row][~used].any()
        assert used.tolist() == sorted(used, reverse=True)
        untouched = np.ones(128, bool)
        untouched[positions[used]] = False
        assert (masked["input_word_ids"][row][untouched] == before[row][untouched]).all()


def test_special_tokens_are_neither_masked_nor_replacements(mask_lm):
    packed = _packed(random.Random(3), 500)
    masked = mask_lm(packed, seed=8)
    before, after = packed["input_word_ids"].numpy(), masked["input_word_ids"].numpy()
    special = np.isin(before, _SPECIALS)
    assert (before[special] == after[special]).all()
    changed = after[before != after]
    assert not np.isin(changed, [_PAD, _CLS, _SEP]).any()
    assert len(np.unique(changed)) > _VOCAB_SIZE // 2  # all other tokens can replace one


def test_whole_words_are_masked(mask_lm):
    packed = _packed(random.Random(4), 200)
    positions = _masked_positions(mask_lm(packed, seed=9))
    for ids, masked in zip(packed["input_word_ids"].numpy().tolist(), positions, strict=True):
        for word in _words_of(ids):
            assert set(word) <= set(masked) or not set(word) & set(masked)


@pytest.mark.parametrize(
    ("seq_length", "prob", "most"), [(128, 0.15, None), (512, 0.3, 33), (64, 0.5, 99)]
)
def test_the_number_of_predictions_is_the_originals(mask_lm, seq_length, prob, most):
    packed = _packed(random.Random(5), 100, seq_length=seq_length, lengths=(5, seq_length))
    masked = mask_lm(
        packed,
        seed=3,
        masked_lm_prob=prob,
        **({} if most is None else {"max_predictions_per_seq": most}),
    )
    limit = 20 if most is None else most
    assert masked["masked_lm_positions"].shape == (100, limit)
    lengths = packed["input_mask"].numpy().sum(axis=1)
    actual = np.array([len(row) for row in _masked_positions(masked)])
    wanted = np.array([min(limit, max(1, round(int(n) * prob))) for n in lengths])
    assert (actual <= wanted).all()
    assert (actual == wanted).mean() > 0.9  # fewer only if no word fits


def test_rounding_is_pythons_at_every_length(mask_lm):
    """Rows of one-token words always get the wanted number of predictions."""
    lengths = range(5, 513)
    ids = [[_CLS] + [7] * (n - 2) + [_SEP] + [_PAD] * (512 - n) for n in lengths]
    packed = {
        "input_word_ids": tf.constant(ids),
        "input_mask": tf.cast(tf.constant(ids) > 0, tf.int32),
        "input_type_ids": tf.zeros([len(ids), 512], tf.int32),
    }
    masked = mask_lm(packed, seed=1)
    actual = masked["masked_lm_weights"].numpy().sum(axis=1).astype(int)
    assert masked["masked_lm_positions"].shape[1] == 80
    assert actual.tolist() == [max(1, round(n * 0.15)) for n in lengths]


def test_nothing_is_masked_without_words_or_predictions(mask_lm):
    packed = _packed(random.Random(6), 4)
    masked = mask_lm(packed, seed=1, masked_lm_prob=0.0)
    tf.debugging.assert_equal(masked["input_word_ids"], packed["input_word_ids"])
    assert not masked["masked_lm_weights"].numpy().any()
    empty = {name: tf.zeros([2, 16], tf.int32) for name in packed}
    empty["input_word_ids"] = tf.constant([[_CLS, _SEP] + [_PAD] * 14] * 2)
    empty["input_mask"] = tf.constant([[1, 1] + [0] * 14] * 2)
    assert not mask_lm(empty, seed=1)["masked_lm_weights"].numpy().any()
    none = {name: tf.zeros([0, 16], tf.int32) for name in packed}
    assert mask_lm(none, seed=1)["masked_lm_positions"].shape == (0, 3)


def test_the_seed_decides(mask_lm):
    packed = _packed(random.Random(7), 8)
    first = mask_lm(packed, seed=5)
    for again in (5, tf.constant(5), tf.constant(5, tf.int64), tf.constant([5, 0])):
        for name, tensor in mask_lm(packed, seed=again).items():
            tf.debugging.assert_equal(tensor, first[name])
    other = mask_lm(packed, seed=6)
    assert (other["input_word_ids"].numpy() != first["input_word_ids"].numpy()).any()


def _statistics(rows, masked_rows, after_rows):
    """Returns the mean number of masked tokens, the shares of run lengths in words, the shares of
    masked, kept and replaced tokens, and the mean relative position.
    """
    runs, fates, positions = [], [], []
    for ids, masked, after in zip(rows, masked_rows, after_rows, strict=True):
        hit = [word[0] in set(masked) for word in _words_of(ids)]
        length = 0
        for is_hit in [*hit, False]:
            if not is_hit and length:
                runs.append(length)
            length = length + 1 if is_hit else 0
        for position in masked:
            fates.append("mask" if after[position] == _MASK else ids[position] == after[position])
            positions.append(position / len(ids))
    run_shares = [np.mean([run == n for run in runs]) for n in (1, 2, 3, 4)]
    fate_shares = [np.mean([fate == kind for fate in fates]) for kind in ("mask", True, False)]
    return np.mean([len(m) for m in masked_rows]), run_shares, fate_shares, np.mean(positions)


def test_the_statistics_are_the_originals(mask_lm, stress):
    draw = random.Random(8)
    packed = _packed(draw, 20000 if stress else 2000, lengths=(40, 128))
    rows = packed["input_word_ids"].numpy().tolist()
    masked = mask_lm(packed, seed=11)
    ours = _statistics(rows, _masked_positions(masked), masked["input_word_ids"].numpy().tolist())
    expected_positions, expected_rows = [], []
    for ids in rows:
        positions, fates = _mask_one(draw, ids)
        after = list(ids)
        for position, fate in zip(positions, fates, strict=True):
            after[position] = fate
        expected_positions.append(positions)
        expected_rows.append(after)
    originals = _statistics(rows, expected_positions, expected_rows)
    # 2,000 rows hold 25,000 masked tokens in 9,000 runs: a share's standard error is at most 0.005.
    assert ours[0] == pytest.approx(originals[0], abs=0.03)
    assert ours[1] == pytest.approx(originals[1], abs=0.02)
    assert ours[2] == pytest.approx(originals[2], abs=0.02)
    assert ours[2] == pytest.approx([0.8, 0.1, 0.1], abs=0.015)
    assert ours[3] == pytest.approx(originals[3], abs=0.01)
