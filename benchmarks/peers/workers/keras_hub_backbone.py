"""KerasHub's AlbertBackbone on Keras 3 with TensorFlow."""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras_hub
import tensorflow as tf

from benchmarks.peers.workers import model, tensorflow_training

tensorflow_training.limit_threads()

_NAMES = {
    model.INPUT_WORD_IDS: "token_ids",
    model.INPUT_MASK: "padding_mask",
    model.INPUT_TYPE_IDS: "segment_ids",
}


class KerasHub:
    """A backbone for inference, and on first use another for training.

    For bfloat16, inference has bfloat16 weights; training has float32 weights, as is usual.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._directory, self._dtype = options["model"], options["dtype"]
        self._backbone = self._load(self._dtype)

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        inputs = _tensors(model.cut(batch, padding))
        return lambda: self._run(inputs)

    def train(self, batch: model.Batch, padding: str) -> model.Call:
        trained = self._trained
        return tensorflow_training.step(
            lambda inputs: trained(inputs, training=True)["pooled_output"],
            variables=[variable.value for variable in trained.trainable_variables],
            inputs=_tensors(model.cut(batch, padding)),
        )

    @cached_property
    def _run(self) -> Any:
        return tf.function(lambda inputs: self._backbone(inputs, training=False))

    @cached_property
    def _trained(self) -> Any:
        return self._load("mixed_bfloat16" if self._dtype == "bfloat16" else self._dtype)

    def _load(self, dtype: str) -> Any:
        return keras_hub.models.AlbertBackbone.from_preset(self._directory, dtype=dtype)


make = KerasHub


def _tensors(batch: model.Batch) -> dict[str, tf.Tensor]:
    return {_NAMES[name]: tf.constant(values, tf.int32) for name, values in batch.items()}
