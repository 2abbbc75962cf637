"""The step of `scripts/continue_mlm.py`."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from benchmarks.peers.workers import model
from scripts.pretraining import objectives, optimization, training
from scripts.pretraining.settings import Settings


def step(encoder: Any, batch: Mapping[str, tf.Tensor]) -> model.Call:
    """Returns a function that does a step on a batch.

    Args:
      encoder: a loaded encoder.
      batch: inputs and labels by name.
    """
    rows, length = batch[model.INPUT_WORD_IDS].shape
    settings = Settings(
        encoder="",
        preprocessor="",
        text_files=(),
        sop=False,
        num_steps=1_000_000,
        batch_size=rows,
        seq_length=length,
        learning_rate=model.LEARNING_RATE,
        warmup=0.01,
        weight_decay=0.01,
        seed=0,
    )
    train = training.make_step(
        objectives.Objective(encoder, directory="", sop=False),
        optimization.make(settings),
        {name: tf.TensorSpec.from_tensor(values) for name, values in batch.items()},
        tf.distribute.get_strategy(),
    )
    return lambda: train(batch)[objectives.LOSS].numpy()
