"""Checkpoints of a training: weights, optimizer and position in the text.

Example:
    checkpoints = Checkpoints("checkpoints", variables=..., optimizer=..., iterator=...)
    checkpoints.restore()
    checkpoints.save()
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from configs import errors

_KEPT = 2  # so that one is whole whenever a run is killed


class Checkpoints:
    """The latest checkpoints in a folder, or none without a folder."""

    def __init__(
        self,
        directory: str | None,
        *,
        variables: Sequence[tf.Variable],
        optimizer: Any,
        iterator: Any,
    ) -> None:
        self._manager = None
        if directory:
            # The optimizer has the number of steps.
            checkpoint = tf.train.Checkpoint(
                variables=list(variables), optimizer=optimizer, iterator=iterator
            )
            self._manager = tf.train.CheckpointManager(checkpoint, directory, max_to_keep=_KEPT)

    def restore(self) -> str | None:
        """Restores the latest checkpoint; returns its path, or None if there is none."""
        if self._manager is None or not self._manager.latest_checkpoint:
            return None
        path = self._manager.latest_checkpoint
        try:
            self._manager.checkpoint.restore(path).assert_consumed()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            message = f"{path!r} cannot be restored: {errors.first_line(error)}"
            raise errors.CheckpointError(message) from error
        return path

    def save(self) -> None:
        """Writes a checkpoint."""
        if self._manager is not None:
            self._manager.save()
