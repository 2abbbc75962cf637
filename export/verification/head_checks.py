"""Checks of the heads of fine-tuned models: `.classify`, `.tag`, `.answer`, `.choose`.

Example:
    check.run_checks(head_checks.checks(module), module, directory)
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from configs import head_config, hub_api
from export.metadata import manifest
from export.verification import encoder_probe, tolerances
from export.verification.check import Check, require

_B, _S = encoder_probe.BATCH, encoder_probe.LENGTH


def checks(module: Any) -> list[Check]:
    """Returns the checks of the heads that a loaded encoder has."""
    found = []
    for kind in head_config.KINDS:
        if not hasattr(module, kind):
            continue
        texts = {
            f"`.{kind}` has its outputs, and shares the encoder's variables": _outputs,
            f"every trainable variable of `.{kind}` that its outputs use gets a gradient": _trains,
            f"signature `{kind}` has inputs and outputs by name": _signature,
            f"`.unpadded.{kind}` gives the same at tokens, and zeros at padding": _unpadded,
        }
        if head_config.is_labelled(kind):
            texts[f"`.{kind}.labels` names the logits, as the manifest does"] = _labels
        found += [Check(text, functools.partial(run, kind)) for text, run in texts.items()]
    return found


def _inputs(module: Any, kind: str) -> dict[str, tf.Tensor]:
    """Returns a batch with padding; of a choice, it is one example."""
    inputs = encoder_probe.inputs(module)
    if kind != head_config.CHOOSE:
        return inputs
    return {name: tensor[tf.newaxis] for name, tensor in inputs.items()}


def _own(outputs: Mapping[str, Any], kind: str) -> dict[str, tf.Tensor]:
    """Returns the outputs that a head adds to the encoder's."""
    names = {
        head_config.CLASSIFY: (hub_api.LOGITS,),
        head_config.TAG: (hub_api.LOGITS,),
        head_config.CHOOSE: (hub_api.LOGITS,),
        head_config.ANSWER: hub_api.ANSWER_SIGNATURE_OUTPUTS,
    }[kind]
    if hub_api.CLS_LOGITS in outputs:
        names = hub_api.ANSWER_BEAM_SIGNATURE_OUTPUTS
    missing = [name for name in names if name not in outputs]
    require(not missing, f"outputs are missing: {', '.join(missing)}; got {sorted(outputs)}")
    return {name: outputs[name] for name in names}


def _shapes(head: Any, outputs: Mapping[str, Any], kind: str) -> dict[str, list[int]]:
    """Returns the shapes of the contract."""
    count = head.variables[-1].shape[-1]  # of its bias
    if kind == head_config.ANSWER:
        shapes = {hub_api.START_LOGITS: [_B, _S], hub_api.END_LOGITS: [_B, _S]}
        if hub_api.CLS_LOGITS in outputs:
            starts = outputs[hub_api.START_POSITIONS].shape[-1]
            shapes[hub_api.END_LOGITS] = [_B, starts, _S]
            shapes |= {hub_api.START_POSITIONS: [_B, starts], hub_api.CLS_LOGITS: [_B]}
        return shapes
    by_kind = {
        head_config.CLASSIFY: [_B, count],
        head_config.TAG: [_B, _S, count],
        head_config.CHOOSE: [1, _B],
    }
    return {hub_api.LOGITS: by_kind[kind]}


def _outputs(kind: str, module: Any, directory: str) -> None:
    head = getattr(module, kind)
    for training in (True, False):
        outputs = head(_inputs(module, kind), training=training)
    own = _own(outputs, kind)
    for name, shape in _shapes(head, outputs, kind).items():
        dtype = tf.int32 if name == hub_api.START_POSITIONS else tf.float32
        require(own[name].shape == shape, f"{name} has shape {own[name].shape}, not {shape}")
        require(own[name].dtype == dtype, f"{name} is {own[name].dtype.name}, not {dtype.name}")
    require(hub_api.SEQUENCE_OUTPUT in outputs, "the encoder's outputs are not among its own")
    shared = {id(variable) for variable in module.variables}
    found = {id(variable) for variable in head.variables}
    require(shared < found, "its variables are not the encoder's very own and more")
    names = encoder_probe.names(head.variables)
    require(
        encoder_probe.names(head.trainable_variables) == names,
        "its trainable_variables are not all of its variables",
    )


def _trains(kind: str, module: Any, directory: str) -> None:
    head = getattr(module, kind)
    inputs = _inputs(module, kind)
    with tf.GradientTape() as tape:
        own = _own(head(inputs, training=True), kind)
        floats = [output for output in own.values() if output.dtype.is_floating]
        loss = tf.add_n([tf.reduce_sum(output**2) for output in floats])
    variables = list(head.trainable_variables)
    gradients = tape.gradient(loss, variables)
    # Tags and answers do not use the pooler.
    unused = () if head_config.needs_pooler(kind) else ("pooler_transform/",)
    without = [
        name
        for name, gradient in zip(encoder_probe.names(variables), gradients, strict=True)
        if gradient is None and not name.startswith(unused)
    ]
    require(not without, f"no gradient for {', '.join(without)}")


def _signature(kind: str, module: Any, directory: str) -> None:
    require(kind in module.signatures, f"there is none; there are {sorted(module.signatures)}")
    signature = module.signatures[kind]
    inputs = _inputs(module, kind)
    got = set(signature.structured_input_signature[1])
    require(got == set(inputs), f"its inputs are {sorted(got)}")
    right = _own(getattr(module, kind)(inputs, training=False), kind)
    results = signature(**inputs)
    for name, output in right.items():
        require(name in results, f"its outputs are {sorted(results)}")
        require(np.array_equal(results[name], output), f"{name} differs from the callable's")


def _unpadded(kind: str, module: Any, directory: str) -> None:
    inputs = _inputs(module, kind)
    mask = encoder_probe.inputs(module)[hub_api.INPUT_MASK].numpy().astype(bool)  # [B, S]
    right = _own(getattr(module, kind)(inputs, training=False), kind)
    require(hasattr(module, hub_api.UNPADDED), "there is no .unpadded")
    results = _own(getattr(module.unpadded, kind)(inputs, training=False), kind)
    for name, output in right.items():
        expected, got = output.numpy(), results[name].numpy()
        require(expected.shape == got.shape, f"{name} has another shape")
        at_tokens = _tokens_of(name, kind, mask, expected.shape)
        limit = tolerances.tolerance(directory) * max(1.0, float(np.abs(expected).max()))
        largest = np.abs(got - expected)[at_tokens].max()
        require(largest <= limit, f"{name} differs by {largest:.1e} at tokens")
        require(not got[~at_tokens].any(), f"{name} is not zero at padding")


def _tokens_of(name: str, kind: str, mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Returns which elements of an output of that shape are at tokens."""
    if kind == head_config.TAG:
        mask = mask[:, :, np.newaxis]
    elif name not in hub_api.ANSWER_SIGNATURE_OUTPUTS:
        return np.ones(shape, bool)
    elif len(shape) == 3:
        mask = mask[:, np.newaxis, :]
    return np.broadcast_to(mask, shape)


def _labels(kind: str, module: Any, directory: str) -> None:
    head = getattr(module, kind)
    labels = [label.decode() for label in head.labels.numpy()]
    count = head.variables[-1].shape[-1]
    require(len(labels) == count, f"there are {len(labels)} labels for {count} logits")
    written = manifest.read(directory).get("labels", {}).get(kind, labels)
    require(written == labels, f"they are {labels}, in the manifest {written}")
    if kind == head_config.CLASSIFY:
        problem_type = head.problem_type.numpy().decode()
        types = head_config.PROBLEM_TYPES
        require(problem_type in types, f"problem_type is {problem_type!r}, not one of {types}")
