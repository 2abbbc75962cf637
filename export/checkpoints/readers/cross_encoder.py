"""Reads the activation with which CrossEncoder of sentence-transformers scores pairs of texts.

cross_encoder.activation(checkpoint.config_values, checkpoint.directories)
# "torch.nn.modules.linear.Identity"; None for a model that is not its own
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors, strangers_files
from export.checkpoints.readers import sentence_transformers_modules, sidecars

_KEY = "activation_fn"
_OF_VERSION_4 = "sentence_transformers"  # in the config of transformers
_BEFORE = "sbert_ce_default_activation_function"


def activation(config: Mapping[str, Any] | None, directories: Sequence[str]) -> str | None:
    """Returns the class that is applied to logits; None if no file names one.

    Args:
      config: of transformers.
      directories: where the files beside the weights are.

    Raises:
      errors.CheckpointError: a file cannot be read.
    """
    for directory in directories:
        path = os.path.join(directory, sentence_transformers_modules.MODEL_CONFIG)
        if os.path.isfile(path):
            with strangers_files.reading(repr(path), error_type=errors.CheckpointError):
                if name := sidecars.read_json(path).get(_KEY):
                    return str(name)
    values = config or {}
    version_4 = values.get(_OF_VERSION_4)
    found = version_4.get(_KEY) if isinstance(version_4, Mapping) else None
    found = found or values.get(_BEFORE)
    return None if found is None else str(found)
