"""The checks of an `albert_en_*` encoder: what its users rely on, tried as they use it.

Example:
    check.run_checks(encoder_checks.checks(module, directory), module, directory)

https://www.tensorflow.org/hub/common_saved_model_apis/text (text embeddings with preprocessed
inputs).
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from export.checkpoints import weight_table
from export.metadata import manifest
from export.verification import encoder_probe, explanation_checks, head_checks, tolerances
from export.verification.check import Check, require
from preprocess.vocabulary import finding

_BLOCK = re.compile(r"transformer(/group_\d+/inner_group_\d+)?/")
_NAMES = tuple(row.variable for row in weight_table.TABLE)


def checks(module: Any, directory: str) -> list[Check]:
    """Returns the checks for a loaded encoder.

    `.sop` and `.unpadded` are optional; `.mlm` only for a SavedModel whose manifest says that it
    was exported without it.
    """
    found = [
        Check("it is called with a dict of int32 inputs, training True and False", _is_callable),
        Check("its outputs have the names, shapes and dtypes of the contract", _has_outputs),
        Check(
            "`variables` and `trainable_variables` have the contract's names and order", _variables
        ),
        Check("`regularization_losses` is an empty list", _regularization_losses),
        Check("every trainable variable gets a gradient from the outputs", _gradients),
        Check("training=False is deterministic", _is_deterministic),
        Check("padding does not change what stands at tokens", _ignores_padding),
        Check(
            "`sp_model_file`, or else `vocab_file`, is a vocabulary that the model has rows for",
            _vocabulary,
        ),
        Check("signature `serving_default` has inputs and outputs by name", _serving_default),
        Check(
            "it works in a trainable hub.KerasLayer, with a static sequence length", _keras_layer
        ),
    ]
    if hub_api.MLM in manifest.read(directory).get("heads", [hub_api.MLM]):
        found += [
            Check("`.mlm` predicts masked tokens and shares the encoder's variables", _mlm),
            Check("signature `mlm` has inputs and outputs by name", _mlm_signature),
        ]
    if hasattr(module, hub_api.SOP):
        found += [
            Check("`.sop` predicts the order and shares the encoder's variables", _sop),
            Check("signature `sop` has inputs and outputs by name", _sop_signature),
        ]
    if hasattr(module, hub_api.UNPADDED):
        found.append(Check("`.unpadded` gives the same at tokens, and zeros at padding", _unpadded))
    found += explanation_checks.checks(module, directory)
    return found + head_checks.checks(module)


def _is_callable(module: Any, directory: str) -> None:
    for training in (True, False):
        module(encoder_probe.inputs(module), training=training)
    module(encoder_probe.inputs(module))


def _check_output(outputs: Mapping[str, Any], name: str, shape: list[int]) -> None:
    require(name in outputs, f"output {name} is missing; there are {sorted(outputs)}")
    for output in tf.nest.flatten(outputs[name]):
        require(output.shape == shape, f"{name} has shape {list(output.shape)}, not {shape}")
        require(output.dtype == tf.float32, f"{name} is {output.dtype.name}, not float32")


def _check_encoder_outputs(module: Any, outputs: Mapping[str, Any]) -> None:
    hidden = encoder_probe.dimensions(module)["hidden"]
    if encoder_probe.has_pooler(module):
        _check_output(outputs, hub_api.POOLED_OUTPUT, [encoder_probe.BATCH, hidden])
    else:
        require(hub_api.POOLED_OUTPUT not in outputs, "pooled_output is there without a pooler")
    for name in (hub_api.SEQUENCE_OUTPUT, hub_api.ENCODER_OUTPUTS):
        _check_output(outputs, name, [encoder_probe.BATCH, encoder_probe.LENGTH, hidden])


def _has_outputs(module: Any, directory: str) -> None:
    outputs = module(encoder_probe.inputs(module), training=False)
    _check_encoder_outputs(module, outputs)
    hidden = encoder_probe.dimensions(module)["hidden"]
    _check_output(outputs, hub_api.DEFAULT, [encoder_probe.BATCH, hidden])
    _check_default(module, outputs, directory)
    layers = outputs[hub_api.ENCODER_OUTPUTS]
    require(isinstance(layers, (list, tuple)) and len(layers) > 0, "encoder_outputs is no list")
    same = np.array_equal(layers[-1], outputs[hub_api.SEQUENCE_OUTPUT])
    require(same, "the last of encoder_outputs is not sequence_output")


def _check_default(module: Any, outputs: Mapping[str, Any], directory: str) -> None:
    default = outputs[hub_api.DEFAULT]
    if encoder_probe.has_pooler(module):
        pooled = outputs[hub_api.POOLED_OUTPUT]
        require(np.array_equal(default, pooled), "default is not pooled_output")
        return
    mask = encoder_probe.inputs(module)[hub_api.INPUT_MASK].numpy()[:, :, np.newaxis]  # [B, S, 1]
    states = outputs[hub_api.SEQUENCE_OUTPUT].numpy()
    largest = np.abs(default - (states * mask).sum(1) / mask.sum(1)).max()
    limit = tolerances.tolerance(directory) * max(1.0, float(np.abs(states).max()))
    require(
        largest <= limit,
        f"default differs from the mean of sequence_output over the tokens by {largest:.1e}",
    )


def _variables(module: Any, directory: str) -> None:
    names = encoder_probe.names(module.variables)
    ranks = [
        _NAMES.index(name) for name in (_BLOCK.sub("{block}/", n) for n in names) if name in _NAMES
    ]
    unknown = [name for name in names if _BLOCK.sub("{block}/", name, count=1) not in _NAMES]
    require(not unknown, f"variables of other names: {', '.join(unknown)}")
    require(len(names) == len(set(names)), "two variables have the same name")
    optional = ("cls/", weight_table.PROJECTION, weight_table.POOLER)
    encoder = {name for name in _NAMES if not name.startswith(optional)}
    missing = encoder - {_BLOCK.sub("{block}/", name, count=1) for name in names}
    require(not missing, f"variables are missing: {', '.join(sorted(missing))}")
    blocks = [rank for name, rank in zip(names, ranks, strict=True) if _BLOCK.match(name)]
    others = [rank for name, rank in zip(names, ranks, strict=True) if not _BLOCK.match(name)]
    per_block = len(set(blocks))
    in_order = others == sorted(others) and all(
        blocks[start : start + per_block] == sorted(set(blocks))
        for start in range(0, len(blocks), per_block)
    )
    require(in_order, "the variables stand in another order")
    require(
        encoder_probe.names(module.trainable_variables) == names,
        "trainable_variables are not all of them",
    )


def _regularization_losses(module: Any, directory: str) -> None:
    require(len(module.regularization_losses) == 0, "it is not empty")


def _gradients(module: Any, directory: str) -> None:
    inputs = encoder_probe.inputs(module)
    with tf.GradientTape() as tape:
        outputs = module(inputs, training=True)
        loss = tf.reduce_sum(outputs[hub_api.SEQUENCE_OUTPUT] ** 2)
        loss += tf.reduce_sum(outputs[hub_api.DEFAULT])
    variables = list(module.trainable_variables)
    require(variables, "there are no trainable variables")
    gradients = tape.gradient(loss, variables)
    without = [v.name for v, gradient in zip(variables, gradients, strict=True) if gradient is None]
    require(not without, f"no gradient for {', '.join(without)}")


def _is_deterministic(module: Any, directory: str) -> None:
    first, second = (module(encoder_probe.inputs(module), training=False) for _ in range(2))
    for one, other in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        require(np.array_equal(one, other), "two calls differ")


def _ignores_padding(module: Any, directory: str) -> None:
    inputs = encoder_probe.inputs(module)
    mask = inputs[hub_api.INPUT_MASK]
    changed = inputs[hub_api.INPUT_WORD_IDS] + (1 - mask) * 7
    first = module(inputs, training=False)[hub_api.DEFAULT]
    second = module({**inputs, hub_api.INPUT_WORD_IDS: changed}, training=False)
    largest = np.abs(first - second[hub_api.DEFAULT]).max()
    require(largest < 1e-5, f"ids at padding change default by {largest:.1e}")


def _vocabulary(module: Any, directory: str) -> None:
    if manifest.read(directory).get("tokenizer", {}) is None:
        return  # exported without: its ids are not made from text
    names = [name for name in (hub_api.SP_MODEL_FILE, hub_api.VOCAB_FILE) if hasattr(module, name)]
    require(names, "there is neither")
    path = getattr(module, names[0]).asset_path.numpy().decode()
    is_wordpiece = names[0] == hub_api.VOCAB_FILE
    size = finding.at(path, is_wordpiece=is_wordpiece).vocabulary.vocab_size
    if is_wordpiece:
        require(module.do_lower_case.dtype == tf.bool, "`do_lower_case` is no bool")
    expected = encoder_probe.dimensions(module)["vocabulary"]
    require(size <= expected, f"it has {size} pieces, the embeddings {expected} rows")


def _check_signature(
    module: Any, name: str, inputs: Mapping[str, tf.Tensor], outputs: tuple[str, ...]
) -> None:
    require(name in module.signatures, f"there is none; there are {sorted(module.signatures)}")
    signature = module.signatures[name]
    got = set(signature.structured_input_signature[1])
    require(got == set(inputs), f"its inputs are {sorted(got)}")
    results = set(signature(**inputs))
    absent = set() if encoder_probe.has_pooler(module) else {hub_api.POOLED_OUTPUT}
    require(results >= set(outputs) - absent, f"its outputs are {sorted(results)}")
    require(not results & absent, "pooled_output is there without a pooler")


def _serving_default(module: Any, directory: str) -> None:
    expected = hub_api.ENCODER_SIGNATURE_OUTPUTS
    _check_signature(module, hub_api.SERVING_DEFAULT, encoder_probe.inputs(module), expected)


def _keras_layer(module: Any, directory: str) -> None:
    inputs = {
        name: tf_keras.Input([encoder_probe.LENGTH], dtype=tf.int32, name=name)
        for name in hub_api.ENCODER_INPUTS
    }
    layer = hub.KerasLayer(module, trainable=True)
    shape = layer(inputs)[hub_api.SEQUENCE_OUTPUT].shape
    expected = [None, encoder_probe.LENGTH, encoder_probe.dimensions(module)["hidden"]]
    require(shape.as_list() == expected, f"sequence_output has shape {shape}, not {expected}")
    trained = len(layer.trainable_variables)
    total = len(module.trainable_variables)
    require(trained == total > 0, f"the layer trains {trained} of {total} variables")


def _check_head(module: Any, head: Any) -> None:
    shared = {id(variable) for variable in module.variables}
    found = {id(variable) for variable in head.variables}
    require(shared < found, "its variables are not the encoder's very own and more")
    require(
        encoder_probe.names(head.trainable_variables) == encoder_probe.names(head.variables),
        "its trainable_variables are not all of its variables",
    )


def _mlm(module: Any, directory: str) -> None:
    require(hasattr(module, hub_api.MLM), "there is no .mlm")
    for training in (True, False):
        outputs = module.mlm(encoder_probe.mlm_inputs(module), training=training)
    _check_encoder_outputs(module, outputs)
    vocabulary = encoder_probe.dimensions(module)["vocabulary"]
    _check_output(
        outputs, hub_api.MLM_LOGITS, [encoder_probe.BATCH, encoder_probe.PREDICTIONS, vocabulary]
    )
    _check_head(module, module.mlm)


def _mlm_signature(module: Any, directory: str) -> None:
    _check_signature(
        module, hub_api.MLM, encoder_probe.mlm_inputs(module), hub_api.MLM_SIGNATURE_OUTPUTS
    )


def _sop(module: Any, directory: str) -> None:
    for training in (True, False):
        outputs = module.sop(encoder_probe.inputs(module), training=training)
    _check_output(outputs, hub_api.SOP_LOGITS, [encoder_probe.BATCH, 2])
    _check_head(module, module.sop)


def _sop_signature(module: Any, directory: str) -> None:
    _check_signature(
        module, hub_api.SOP, encoder_probe.inputs(module), hub_api.SOP_SIGNATURE_OUTPUTS
    )


def _unpadded(module: Any, directory: str) -> None:
    inputs = encoder_probe.inputs(module)
    mask = inputs[hub_api.INPUT_MASK].numpy().astype(bool)
    right = module(inputs, training=False)[hub_api.SEQUENCE_OUTPUT].numpy()
    got = module.unpadded(inputs, training=False)[hub_api.SEQUENCE_OUTPUT].numpy()
    largest = np.abs(got - right)[mask].max()
    # Only the order of sums differs; what that is worth depends on the dtype.
    limit = tolerances.tolerance(directory) * max(1.0, float(np.abs(right).max()))
    require(largest <= limit, f"it differs by {largest:.1e} at tokens")
    require(not got[~mask].any(), "it is not zero at padding")
