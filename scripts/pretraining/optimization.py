"""ALBERT's optimizer: AdamW with a warm-up, a linear decay and clipping.

Example:
    optimizer = optimization.make(settings)

Weight decay, epsilon and clipping are those of google-research/albert, `optimization.py` and
`run_pretraining.py`; so is what is not decayed.
"""

import tensorflow as tf
import tf_keras

from scripts.pretraining.settings import Settings

_NOT_DECAYED = ("LayerNorm", "layer_norm", "bias")
_EPSILON = 1e-6
_CLIP_NORM = 1.0


class LinearSchedule(tf_keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls to 0 in a straight line, multiplied by a rise at the beginning."""

    def __init__(self, settings: Settings) -> None:
        self._peak = settings.learning_rate
        self._num_steps = settings.num_steps
        self._rise = max(round(settings.num_steps * settings.warmup), 1)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate of a step, from 0."""
        number = tf.cast(step, tf.float32)
        rise = tf.minimum((number + 1) / self._rise, 1.0)
        return self._peak * rise * (1 - tf.minimum(number / self._num_steps, 1.0))


def make(settings: Settings) -> tf_keras.optimizers.Optimizer:
    """Returns the optimizer."""
    optimizer = tf_keras.optimizers.AdamW(
        LinearSchedule(settings),
        weight_decay=settings.weight_decay,
        epsilon=_EPSILON,
        global_clipnorm=_CLIP_NORM,
    )
    optimizer.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))
    return optimizer
