"""Model Garden's own step of masked language model training: `MaskedLMTask.train_step`."""

from collections.abc import Mapping

import tensorflow as tf
import yaml
from official.modeling import optimization
from official.nlp.configs import bert, encoders
from official.nlp.data import pretrain_dataloader
from official.nlp.tasks import masked_lm

from benchmarks.peers.workers import model

_OPTIMIZER = {
    "optimizer": {
        "type": "adamw",
        "adamw": {
            "weight_decay_rate": 0.01,
            "exclude_from_weight_decay": ["LayerNorm", "layer_norm", "bias"],
            "gradient_clip_norm": 1.0,
        },
    },
    "learning_rate": {
        "type": "polynomial",
        "polynomial": {
            "initial_learning_rate": model.LEARNING_RATE,
            "decay_steps": 1_000_000,
            "end_learning_rate": 0.0,
        },
    },
    "warmup": {"type": "polynomial", "polynomial": {"power": 1, "warmup_steps": 10_000}},
}


def step(config_path: str, batch: Mapping[str, tf.Tensor]) -> model.Call:
    """Returns a function that does a step on a batch.

    Args:
      config_path: Model Garden's config of the encoder, in YAML.
      batch: inputs and labels by name.
    """
    with open(config_path, encoding="utf-8") as file:
        encoder = encoders.EncoderConfig(yaml.safe_load(file))
    task = masked_lm.MaskedLMTask(
        masked_lm.MaskedLMConfig(
            model=bert.PretrainerConfig(encoder=encoder),
            train_data=pretrain_dataloader.BertPretrainDataConfig(use_next_sentence_label=False),
        )
    )
    pretrainer = task.build_model()
    metrics = task.build_metrics(training=True)
    factory = optimization.OptimizerFactory(optimization.OptimizationConfig(_OPTIMIZER))
    optimizer = factory.build_optimizer(factory.build_learning_rate())

    @tf.function
    def train(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return task.train_step(inputs, pretrainer, optimizer, metrics)[task.loss]

    return lambda: train(batch).numpy()
