"""Writes the inputs of Model Garden's exporter: an encoder's config and a checkpoint.

    python -m benchmarks.peers.workers.prepare_garden CONFIG_JSON DIRECTORY

The checkpoint contains random weights, in the form that the exporter needs for a model with `.mlm`.
"""

import json
import os
import sys

import tensorflow as tf
import yaml
from official.modeling import tf_utils
from official.nlp.configs import encoders
from official.nlp.modeling import models

# Our names of Model Garden's fields.
_NAMES = {
    "vocab_size": "vocab_size",
    "embedding_width": "embedding_size",
    "hidden_size": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_attention_heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "dropout_rate": "hidden_dropout_prob",
    "attention_dropout_rate": "attention_probs_dropout_prob",
    "max_position_embeddings": "max_position_embeddings",
    "type_vocab_size": "type_vocab_size",
    "initializer_range": "initializer_range",
}


def main() -> None:
    config_path, directory = sys.argv[1:]
    with open(config_path, encoding="utf-8") as file:
        ours = json.load(file)
    # "gelu" is the tanh form in Model Garden.
    albert = {"hidden_activation": "gelu"} | {name: ours[key] for name, key in _NAMES.items()}
    with open(os.path.join(directory, "encoder.yaml"), "w", encoding="utf-8") as file:
        yaml.safe_dump({"type": "albert", "albert": albert}, file)
    encoder = encoders.build_encoder(encoders.EncoderConfig({"type": "albert", "albert": albert}))
    pretrainer = models.BertPretrainerV2(
        encoder_network=encoder, mlm_activation=tf_utils.get_activation("gelu")
    )
    pretrainer(pretrainer.inputs)
    checkpoint = tf.train.Checkpoint(**pretrainer.checkpoint_items)
    checkpoint.save(os.path.join(directory, "pretrainer"))


if __name__ == "__main__":
    main()
