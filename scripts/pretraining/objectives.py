"""The loss of a batch: masked tokens, and the order of segments, from one call of the encoder.

Example:
    objective = objectives.Objective(encoder, directory="exports/albert_en_large/1", sop=True)
    with tf.GradientTape() as tape:
        sums = objective(batch, whole_batch)
    tape.gradient(sums["loss"], objective.variables)
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from configs import errors, hub_api
from scripts.pretraining import batches

LOSS = "loss"
MLM_LOSS, MLM_ACCURACY = "mlm_loss", "mlm_accuracy"
SOP_LOSS, SOP_ACCURACY = "sop_loss", "sop_accuracy"
TOKENS = "tokens"

_SOP_VARIABLES = ("cls/seq_relationship/kernel:0", "cls/seq_relationship/bias:0")


class Objective:
    """The loss of ALBERT's pre-training.

    `.mlm` returns the pooled output, too. So the head of `.sop`, one matrix, is applied here: a
    call of `.sop` would compute the encoder a second time.

    Attributes:
      variables: what is trained.
    """

    def __init__(self, encoder: Any, *, directory: str, sop: bool) -> None:
        """Checks that the encoder has the heads.

        Args:
          encoder: a loaded encoder.
          directory: its folder, for messages.
          sop: whether the order of segments is predicted, too.

        Raises:
          errors.InputError: the encoder has no `.mlm`, or no `.sop` although it is asked for.
        """
        if not hasattr(encoder, hub_api.MLM):
            raise errors.InputError(f"{directory!r} was exported without a masked language model")
        self._mlm = encoder.unpadded.mlm  # computes nothing for padding
        self.variables: list[tf.Variable] = list(self._mlm.trainable_variables)
        self._sop: tuple[tf.Variable, ...] = ()
        if sop:
            if not hasattr(encoder, hub_api.SOP):
                raise errors.InputError(
                    f"--sop needs an encoder with `.sop`, which {directory!r} does not have: add "
                    "it with python -m export.encoder --new_head sop"
                )
            named = {variable.name: variable for variable in encoder.sop.trainable_variables}
            self._sop = tuple(named[name] for name in _SOP_VARIABLES)
            self.variables += self._sop

    def __call__(
        self, rows: Mapping[str, tf.Tensor], batch: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns the share of some rows in the means of their batch.

        The shares of all rows add up to the batch's: the mean cross entropy in nats per masked
        token, and per pair of segments, the sum of both as `LOSS`, the shares of right answers, and
        the number of tokens.

        Args:
          rows: of `batches.masked`.
          batch: the batch that they are part of.
        """
        inputs = {name: rows[name] for name in hub_api.MLM_INPUTS}
        outputs = self._mlm(inputs, training=True)
        mlm_loss, mlm_accuracy = _means(
            outputs[hub_api.MLM_LOGITS],  # [B, P, V]
            labels=rows[hub_api.MASKED_LM_IDS],
            weights=rows[hub_api.MASKED_LM_WEIGHTS],
            total=tf.reduce_sum(batch[hub_api.MASKED_LM_WEIGHTS]),
        )
        results = {LOSS: mlm_loss, MLM_LOSS: mlm_loss, MLM_ACCURACY: mlm_accuracy}
        if self._sop:
            kernel, bias = self._sop
            sop_loss, sop_accuracy = _means(
                tf.matmul(outputs[hub_api.POOLED_OUTPUT], kernel) + bias,  # [B, 2]
                labels=rows[batches.ORDER_LABELS],
                weights=rows[batches.ORDER_WEIGHTS],
                total=tf.reduce_sum(batch[batches.ORDER_WEIGHTS]),
            )
            results |= {SOP_LOSS: sop_loss, SOP_ACCURACY: sop_accuracy, LOSS: mlm_loss + sop_loss}
        results[TOKENS] = tf.cast(tf.reduce_sum(rows[hub_api.INPUT_MASK]), tf.float32)
        return results


def _means(
    logits: tf.Tensor, *, labels: tf.Tensor, weights: tf.Tensor, total: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the weighted sums of losses and of right answers, divided by `total` if not 0."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    is_right = tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32) == labels, tf.float32)
    return (
        tf.math.divide_no_nan(tf.reduce_sum(losses * weights), total),
        tf.math.divide_no_nan(tf.reduce_sum(is_right * weights), total),
    )
