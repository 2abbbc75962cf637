"""An encoder's outputs, from the states of its layers.

Example:
    pooled = outputs.pool(states[-1][:, 0, :], pooler)
    found = outputs.by_name(states, mask, pooled=pooled)
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from configs import hub_api
from export.model import layers


def pool(first: tf.Tensor, pooler: layers.Dense) -> tf.Tensor:
    """Returns the pooled output [B, H] of the first tokens [B, H]."""
    return tf.tanh(layers.dense(tf.cast(first, tf.float32), pooler))


def by_name(
    states: Sequence[tf.Tensor],
    mask: tf.Tensor,
    *,
    pooled: tf.Tensor | None,
    attention: Sequence[tf.Tensor] = (),
) -> dict[str, Any]:
    """Returns the outputs of the contract.

    Args:
      states: [B, S, H] after each layer, in the compute dtype.
      mask: int32 [B, S].
      pooled: float32 [B, H]; None without a pooler.
      attention: float32 [B, N, S, S] of each block, if it is an output.
    """
    states = [tf.cast(state, tf.float32) for state in states]
    vectors = (
        {hub_api.DEFAULT: _mean_of_tokens(states[-1], mask)}
        if pooled is None
        else {hub_api.DEFAULT: pooled, hub_api.POOLED_OUTPUT: pooled}
    )
    outputs = {
        **vectors,
        hub_api.SEQUENCE_OUTPUT: states[-1],
        hub_api.ENCODER_OUTPUTS: states,
    }
    return {**outputs, hub_api.ATTENTION_PROBS: list(attention)} if attention else outputs


def _mean_of_tokens(sequence_output: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the mean [B, H] over the tokens of each row; zeros where there are none."""
    is_token = tf.cast(tf.not_equal(mask, 0), tf.float32)[:, :, tf.newaxis]  # [B, S, 1]
    count = tf.reduce_sum(is_token, axis=1)  # [B, 1]
    return tf.math.divide_no_nan(tf.reduce_sum(sequence_output * is_token, axis=1), count)
