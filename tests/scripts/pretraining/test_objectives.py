"""The loss and a step of the training against NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from configs import errors, hub_api
from scripts.pretraining import batches, objectives, optimization, training
from scripts.pretraining.settings import Settings
from tests.support import golden_artifacts

_BATCH = {
    "input_word_ids": [[2, 7, 4, 9, 3, 11, 3], [2, 4, 8, 3, 0, 0, 0]],
    "input_mask": [[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0]],
    "input_type_ids": [[0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0]],
    "masked_lm_positions": [[2, 5], [1, 0]],
    "masked_lm_ids": [[8, 12], [6, 0]],
}
_WEIGHTS = [[1.0, 1.0], [1.0, 0.0]]
_SETTINGS = Settings(
    encoder="",
    preprocessor="",
    text_files=(),
    sop=True,
    num_steps=4,
    batch_size=2,
    seq_length=8,
    learning_rate=0.01,
    warmup=0.5,
    weight_decay=0.1,
    seed=0,
)


def _batch():
    return {
        **{name: tf.constant(value) for name, value in _BATCH.items()},
        hub_api.MASKED_LM_WEIGHTS: tf.constant(_WEIGHTS),
        batches.ORDER_LABELS: tf.constant([1, 0]),
        batches.ORDER_WEIGHTS: tf.constant([1.0, 0.0]),
    }


def _log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


@pytest.fixture
def encoder(golden_root):
    return hub.load(golden_artifacts.directory("tiny", golden_root))


def _expected(encoder, batch):
    """Returns both losses from calls of both heads."""
    inputs = {name: batch[name] for name in hub_api.MLM_INPUTS}
    mlm = _log_softmax(encoder.mlm(inputs)[hub_api.MLM_LOGITS].numpy())
    picked = [mlm[0, 0, 8], mlm[0, 1, 12], mlm[1, 0, 6]]
    del inputs[hub_api.MASKED_LM_POSITIONS]
    sop = _log_softmax(encoder.sop(inputs)[hub_api.SOP_LOGITS].numpy())
    return -np.mean(picked), -sop[0, 1]


@pytest.mark.stress  # tracing takes 6 s of CPU time
def test_a_step_follows_the_sum_of_both_losses(encoder):
    batch = _batch()
    mlm_loss, sop_loss = _expected(encoder, batch)
    objective = objectives.Objective(encoder, directory="", sop=True)
    before = {variable.name: variable.numpy() for variable in objective.variables}
    optimizer = optimization.make(_SETTINGS)
    step = training.make_step(
        objective,
        optimizer,
        {name: tf.TensorSpec.from_tensor(value) for name, value in batch.items()},
        tf.distribute.get_strategy(),
    )
    results = {name: float(value) for name, value in step(batch).items()}
    assert results[objectives.MLM_LOSS] == pytest.approx(mlm_loss, abs=1e-5)
    assert results[objectives.SOP_LOSS] == pytest.approx(sop_loss, abs=1e-5)
    assert results[objectives.LOSS] == pytest.approx(mlm_loss + sop_loss, abs=1e-5)
    assert results[objectives.TOKENS] == 11
    rate = 0.01 * 0.5  # the first of two steps of the rise
    for variable in objective.variables:
        old, new = before[variable.name], variable.numpy()
        is_decayed = not any(name in variable.name for name in ("ayer_norm", "LayerNorm", "bias"))
        # Adam's first step is the sign of the gradient where it is not tiny; 0 without a gradient.
        moved = new - old * (1 - rate * 0.1 * is_decayed)
        assert np.abs(moved).max() <= rate * 1.001, variable.name
        if "key/bias" not in variable.name:  # a softmax cancels it
            assert np.abs(moved).max() > rate * 0.9, variable.name
    mlm_after, sop_after = _expected(encoder, batch)
    assert mlm_after < mlm_loss and sop_after < sop_loss


def test_the_learning_rate_rises_and_falls_in_straight_lines():
    schedule = optimization.LinearSchedule(_SETTINGS)
    rates = [float(schedule(tf.constant(step))) for step in range(5)]
    assert rates == pytest.approx([0.005, 0.0075, 0.005, 0.0025, 0.0])


def test_a_missing_head_is_an_error_that_says_how_to_add_it(loaded_encoder):
    with pytest.raises(errors.InputError, match=r"`\.sop`, which 'x' does not have.*--new_head"):
        objectives.Objective(loaded_encoder, directory="x", sop=True)
    assert len(objectives.Objective(loaded_encoder, directory="x", sop=False).variables) == 30
