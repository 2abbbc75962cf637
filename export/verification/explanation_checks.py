"""Checks of what explanations need: `attention_probs` and `.from_embeddings`.

Example:
    check.run_checks(explanation_checks.checks(module, directory), module, directory)
"""

from typing import Any

import numpy as np
import tensorflow as tf

from configs import hub_api
from export.metadata import manifest
from export.verification import encoder_probe, tolerances
from export.verification.check import Check, require


def checks(module: Any, directory: str) -> list[Check]:
    """Returns the checks for what a loaded encoder has, or should have by its manifest."""
    entries = manifest.read(directory)
    found = []
    if entries.get("attention_outputs"):
        text = "`attention_probs` are probabilities over the tokens, as many as there are blocks"
        found.append(Check(text, _attention))
    if entries.get("from_embeddings") or hasattr(module, hub_api.FROM_EMBEDDINGS):
        found += [
            Check("`.from_embeddings` gives for looked up ids what the ids give", _same),
            Check("`.from_embeddings` passes gradients to its input", _input_gradient),
            Check("`.from_embeddings` and its heads share the encoder's variables", _variables),
        ]
    return found


def _attention(module: Any, directory: str) -> None:
    inputs = encoder_probe.inputs(module)
    outputs = module(inputs, training=False)
    name = hub_api.ATTENTION_PROBS
    require(name in outputs, f"output {name} is missing; there are {sorted(outputs)}")
    blocks, layers = len(outputs[name]), len(outputs[hub_api.ENCODER_OUTPUTS])
    config = manifest.read(directory)["config"]
    expected = layers * config["inner_group_num"]
    require(blocks == expected, f"there are {blocks}, for {expected} blocks")
    batch, length = encoder_probe.BATCH, encoder_probe.LENGTH
    shape = [batch, config["num_attention_heads"], length, length]
    padding = np.broadcast_to(inputs[hub_api.INPUT_MASK][:, None, None, :] == 0, shape)
    for probs in outputs[name]:
        require(probs.shape == shape, f"one has shape {list(probs.shape)}, not {shape}")
        require(probs.dtype == tf.float32, f"one is {probs.dtype.name}, not float32")
        largest = np.abs(tf.reduce_sum(probs, axis=-1) - 1).max()
        require(largest < 1e-4, f"their sum differs from 1 by {largest:.1e}")
        require(not probs.numpy()[padding].any(), "there is attention to padding")


def _embeddings(module: Any) -> dict[str, tf.Tensor]:
    require(hasattr(module, hub_api.FROM_EMBEDDINGS), "there is no .from_embeddings")
    inputs = encoder_probe.inputs(module)
    words = module.from_embeddings.lookup(inputs.pop(hub_api.INPUT_WORD_IDS))
    return {**inputs, hub_api.WORD_EMBEDDINGS: words}


def _same(module: Any, directory: str) -> None:
    right = module(encoder_probe.inputs(module), training=False)
    inputs = _embeddings(module)
    module.from_embeddings(inputs, training=True)
    got = module.from_embeddings(inputs, training=False)
    require(set(got) == set(right), f"its outputs are {sorted(got)}")
    for name in (hub_api.DEFAULT, hub_api.SEQUENCE_OUTPUT):
        largest = np.abs(got[name] - right[name]).max()
        limit = tolerances.tolerance(directory) * max(1.0, float(np.abs(right[name]).max()))
        require(largest <= limit, f"{name} differs by {largest:.1e}")


def _input_gradient(module: Any, directory: str) -> None:
    inputs = _embeddings(module)
    words = inputs[hub_api.WORD_EMBEDDINGS]
    with tf.GradientTape() as tape:
        tape.watch(words)
        outputs = module.from_embeddings(inputs, training=False)
        loss = tf.reduce_sum(outputs[hub_api.DEFAULT] ** 2)
    gradient = tape.gradient(loss, words)
    require(gradient is not None, "there is no gradient")
    require(np.isfinite(gradient).all() and np.any(gradient), "it is zero or not finite")


def _variables(module: Any, directory: str) -> None:
    require(hasattr(module, hub_api.FROM_EMBEDDINGS), "there is no .from_embeddings")
    on_embeddings = module.from_embeddings
    heads = manifest.read(directory).get("heads", [])
    pairs = [("it", on_embeddings, module)]
    pairs += [(f".{h}", getattr(on_embeddings, h, None), getattr(module, h)) for h in heads]
    for name, got, right in pairs:
        require(got is not None, f"there is no {name}")
        same = [id(v) for v in got.variables] == [id(v) for v in right.variables]
        require(same, f"{name} has other variables")
