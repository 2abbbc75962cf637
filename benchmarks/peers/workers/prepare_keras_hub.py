"""Writes KerasHub's ALBERT with random weights as a preset.

python -m benchmarks.peers.workers.prepare_keras_hub CONFIG_JSON DIRECTORY
"""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras_hub

# Our names of KerasHub's fields.
_NAMES = {
    "vocabulary_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "embedding_dim": "embedding_size",
    "hidden_dim": "hidden_size",
    "intermediate_dim": "intermediate_size",
    "num_groups": "num_hidden_groups",
    "num_inner_repetitions": "inner_group_num",
    "dropout": "hidden_dropout_prob",
    "max_sequence_length": "max_position_embeddings",
    "num_segments": "type_vocab_size",
}


def main() -> None:
    config_path, directory = sys.argv[1:]
    with open(config_path, encoding="utf-8") as file:
        ours = json.load(file)
    backbone = keras_hub.models.AlbertBackbone(**{name: ours[key] for name, key in _NAMES.items()})
    backbone.save_to_preset(directory)


if __name__ == "__main__":
    main()
