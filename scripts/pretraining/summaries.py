"""Scalars for TensorBoard, written without TensorBoard, which is not installed with the project.

Example:
    writer = summaries.Writer("tensorboard")
    writer.write({"loss": 2.5}, step=10)
"""

from collections.abc import Mapping

import tensorflow as tf


class Writer:
    """Writes scalars of steps, or nothing without a folder."""

    def __init__(self, directory: str | None) -> None:
        self._writer = tf.summary.create_file_writer(directory) if directory else None

    def write(self, scalars: Mapping[str, float], *, step: int) -> None:
        """Writes the scalars of a step, and flushes them."""
        if self._writer is None:
            return
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "scalars"
        with self._writer.as_default():
            for name, value in scalars.items():
                # `tf.summary.scalar` is TensorBoard's.
                tf.summary.write(name, tf.constant(value, tf.float32), step=step, metadata=metadata)
        self._writer.flush()
