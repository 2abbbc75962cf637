"""SavedModels with TF Hub's contract: ours and Model Garden's, each in its own environment."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import tensorflow as tf
import tensorflow_hub as hub

from benchmarks.peers.workers import model, tensorflow_training

tensorflow_training.limit_threads()


class SavedModels:
    """An encoder, and on first use its preprocessor and embedder."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options
        self._encoder = hub.load(options["encoder"])

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        encode = self._encode(padding)
        inputs = _tensors(model.cut(batch, padding))
        return lambda: encode(inputs)

    def train(self, batch: model.Batch, padding: str) -> model.Call:
        encode = self._encode(padding)
        return tensorflow_training.step(
            lambda inputs: encode(inputs, training=True)["pooled_output"],
            variables=self._encoder.trainable_variables,
            inputs=_tensors(model.cut(batch, padding)),
        )

    def pretrain(self, batch: model.Batch, padding: str) -> model.Call:
        masked = model.masked(model.cut(batch, padding))
        if "pretrainer" in self._options:
            from benchmarks.peers.workers import garden_pretraining

            return garden_pretraining.step(self._options["pretrainer"], _tensors(masked))
        from benchmarks.peers.workers import our_pretraining

        return our_pretraining.step(self._encoder, _tensors(masked))

    def embed(self, texts: list[str]) -> model.Call:
        sentences = tf.constant(texts)
        if "embedder" in self._options:
            embedder = _load_with_text_ops(self._options["embedder"])
            return lambda: embedder(sentences).numpy()
        return lambda: self._encoder(self._preprocessor(sentences))["pooled_output"].numpy()

    def classify(self, texts: list[str]) -> model.Call:
        serve = _load_with_text_ops(self._options["classifier"]).signatures["serving_default"]
        batches = [tf.constant(batch) for batch in model.in_batches(texts)]
        return lambda: [serve(sentences=batch)["label"].numpy() for batch in batches]

    def preprocess(self, texts: list[str]) -> model.Call:
        sentences = tf.constant(texts)
        return lambda: self._preprocessor(sentences)

    def _encode(self, padding: str) -> Any:
        return self._encoder.unpadded if padding == model.UNPADDED else self._encoder

    @cached_property
    def _preprocessor(self) -> Any:
        return _load_with_text_ops(self._options["preprocessor"])


make = SavedModels


def _load_with_text_ops(directory: str) -> Any:
    import tensorflow_text  # noqa: F401, registers the ops; an encoder loads without them

    return hub.load(directory)


def _tensors(batch: model.Batch) -> dict[str, tf.Tensor]:
    return {name: tf.constant(values) for name, values in batch.items()}
