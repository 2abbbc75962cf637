"""What the checks of an encoder feed it with, and what they read off it first.

Example:
    outputs = module(encoder_probe.inputs(module), training=False)
"""

from typing import Any

import numpy as np
import tensorflow as tf

from configs import hub_api
from export.checkpoints import weight_table
from export.verification.check import CheckFailed

BATCH, LENGTH, PREDICTIONS = 3, 10, 4


def inputs(module: Any) -> dict[str, tf.Tensor]:
    """Returns a batch with padding; its ids are valid in every vocabulary of 20 pieces."""
    mask = np.arange(LENGTH) < np.array([[LENGTH], [LENGTH - 3], [2]])
    ids = np.arange(BATCH * LENGTH).reshape(BATCH, LENGTH) % 20
    types = np.arange(LENGTH) >= LENGTH // 2
    if dimensions(module)["types"] < 2:
        types = np.zeros_like(types)
    arrays = {
        hub_api.INPUT_WORD_IDS: ids * mask,
        hub_api.INPUT_MASK: mask,
        hub_api.INPUT_TYPE_IDS: types * mask,
    }
    return {name: tf.constant(array, tf.int32) for name, array in arrays.items()}


def mlm_inputs(module: Any) -> dict[str, tf.Tensor]:
    positions = tf.constant([[0, 1, 1, 0]] * BATCH, tf.int32)
    return {**inputs(module), hub_api.MASKED_LM_POSITIONS: positions}


def names(variables: Any) -> list[str]:
    names = [variable.name.removesuffix(":0") for variable in variables]
    return [name.removeprefix("bert/") if name.startswith("bert/cls/") else name for name in names]


def dimensions(module: Any) -> dict[str, int]:
    shapes = {variable.name.removesuffix(":0"): variable.shape for variable in module.variables}
    try:
        words, types = (
            shapes[f"{name}/embeddings"] for name in ("word_embeddings", "type_embeddings")
        )
        hidden = next(
            shape[0] for name, shape in shapes.items() if name.endswith("/output_layer_norm/beta")
        )
    except KeyError as error:
        raise CheckFailed(f"there is no variable {error}") from error
    except StopIteration as error:
        raise CheckFailed("there are no variables of a Transformer block") from error
    return {"vocabulary": words[0], "types": types[0], "hidden": hidden}


def has_pooler(module: Any) -> bool:
    return any(name.startswith(weight_table.POOLER) for name in names(module.variables))
