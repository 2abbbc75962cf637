"""Dropout of the heads of fine-tuned models; the conformance table has what they compute."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from configs import head_config, hub_api
from export.model import task_heads
from tests.conformance import table

_SIZE = table.TINY.hidden_size
_LABELS = tuple(map(str, range(_SIZE)))
_CONFIG = dataclasses.replace(table.TINY, classifier_dropout_prob=0.25)
_INPUTS = {
    hub_api.INPUT_MASK: tf.ones([40, 25], tf.int32),
    hub_api.INPUT_TYPE_IDS: tf.ones([40, 25], tf.int32),
}
_OUTPUTS = {
    hub_api.POOLED_OUTPUT: tf.ones([40, _SIZE]),
    hub_api.SEQUENCE_OUTPUT: tf.ones([40, 25, _SIZE]),
}
_CLASSIFY = head_config.HeadConfig(
    kind="classify", labels=_LABELS, problem_type=head_config.SINGLE_LABEL
)
_TAG = head_config.HeadConfig(kind="tag", labels=_LABELS)


@pytest.mark.parametrize("head", [_CLASSIFY, _TAG], ids=lambda head: head.kind)
def test_what_a_head_reads_is_dropped_at_the_rate_of_the_config(head):
    made = task_heads.make(head, _CONFIG)
    made.variables[0].assign(tf.eye(_SIZE))  # the logits are what the head reads
    trained = made(_OUTPUTS, _INPUTS, training=True)[hub_api.LOGITS].numpy()
    dropped = trained == 0
    deviation = np.sqrt(0.25 * 0.75 / dropped.size)
    assert abs(dropped.mean() - 0.25) < 5 * deviation
    np.testing.assert_allclose(trained[~dropped], 1 / 0.75, rtol=1e-6)
    np.testing.assert_array_equal(made(_OUTPUTS, _INPUTS, training=False)[hub_api.LOGITS], 1)


def test_answers_have_no_dropout():
    made = task_heads.make(head_config.HeadConfig(kind="answer"), _CONFIG)
    table.randomize(made.variables)
    one, other = (made(_OUTPUTS, _INPUTS, training=training) for training in (True, False))
    for name in (hub_api.START_LOGITS, hub_api.END_LOGITS):
        np.testing.assert_array_equal(one[name], other[name])


def test_the_best_starts_are_cls_or_in_the_context():
    made = task_heads.make(head_config.HeadConfig(kind="answer", is_beam=True), _CONFIG)
    table.randomize(made.variables)
    hidden = np.random.default_rng(0).standard_normal([1, 8, _SIZE]).astype(np.float32)
    inputs = {
        hub_api.INPUT_MASK: tf.constant([[1, 1, 1, 1, 1, 1, 0, 0]]),
        hub_api.INPUT_TYPE_IDS: tf.constant([[0, 0, 0, 1, 1, 1, 0, 0]]),
    }
    outputs = made({hub_api.SEQUENCE_OUTPUT: tf.constant(hidden)}, inputs, training=False)
    starts = outputs[hub_api.START_LOGITS].numpy()[0]
    best = outputs[hub_api.START_POSITIONS].numpy()[0]
    assert sorted(best[:3]) == [0, 3, 4] and (best[3:] == 0).all()
    assert (np.diff(starts[best[:3]]) <= 0).all()
    assert outputs[hub_api.END_LOGITS].shape == [1, 5, 8]
