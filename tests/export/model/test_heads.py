"""The heads agree with the NumPy model."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from configs import albert_config, hub_api
from export.model import albert, heads
from export.verification import numpy_albert
from tests.conformance import table
from tests.support import sampling

ATOL = 1e-5
POSITIONS = np.array([[1, 4, 4], [0, 0, 2]], np.int32)
SEQUENCE = np.random.default_rng(5).standard_normal([2, 5, 8]).astype(np.float32)


@functools.cache
def _encoder(**changes):
    encoder = albert.Encoder(dataclasses.replace(table.TINY, **changes))
    table.randomize(encoder.variables)
    return encoder


def _tensors(*modules):
    return {
        table.name_of(variable): variable.numpy().astype(np.float64)
        for module in modules
        for variable in module.variables
    }


@sampling.parametrize(
    "changes",
    [{}, {"hidden_act": "relu"}, {"hidden_act": albert_config.GELU_ERF}, {"layer_norm_eps": 1e-2}],
    sample=[{}, {"layer_norm_eps": 1e-2}],
    ids=str,
)
def test_mlm_logits_equal_the_oracle(changes):
    encoder = _encoder(**changes)
    head = heads.MaskedLanguageModel(encoder)
    table.randomize(head.variables, seed=1)
    logits = head(tf.constant(SEQUENCE), tf.constant(POSITIONS))
    tensors = _tensors(encoder, head)
    expected = numpy_albert._masked_lm(
        SEQUENCE.astype(np.float64), tensors, encoder.config, POSITIONS
    )
    assert logits.shape == [2, 3, 100]
    np.testing.assert_allclose(logits, expected, atol=ATOL, rtol=0)


@pytest.mark.parametrize("position", [-1, 5])
def test_mlm_refuses_a_position_outside_the_sequence(position):
    head = heads.MaskedLanguageModel(_encoder())
    positions = POSITIONS.copy()
    positions[1, 2] = position
    with pytest.raises(tf.errors.InvalidArgumentError, match=hub_api.MASKED_LM_POSITIONS):
        head(tf.constant(SEQUENCE), tf.constant(positions))


def test_mlm_has_the_contracts_variables_in_order():
    with tf.Graph().as_default():
        head = heads.MaskedLanguageModel(albert.Encoder(albert_config.load("large")))
    assert [(table.name_of(v), v.shape.as_list()) for v in head.variables] == [
        ("cls/predictions/transform/dense/kernel", [1024, 128]),
        ("cls/predictions/transform/dense/bias", [128]),
        ("cls/predictions/transform/LayerNorm/gamma", [128]),
        ("cls/predictions/transform/LayerNorm/beta", [128]),
        ("cls/predictions/output_bias/bias", [30000]),
    ]


def test_sentence_order_logits_equal_a_matrix_product():
    head = heads.SentenceOrder(_encoder())
    table.randomize(head.variables)
    pooled = SEQUENCE[:, 0]
    kernel, bias = (variable.numpy() for variable in head.variables)
    np.testing.assert_allclose(head(tf.constant(pooled)), pooled @ kernel + bias, atol=ATOL, rtol=0)
    assert [(table.name_of(v), v.shape.as_list()) for v in head.variables] == [
        ("cls/seq_relationship/kernel", [8, 2]),
        ("cls/seq_relationship/bias", [2]),
    ]
