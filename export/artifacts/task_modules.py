"""The heads of fine-tuned models as objects of the artifact: `.classify`, `.tag`, `.answer`, ...

Example:
    module.tag = task_modules.make("tag", encode, encoder, head, specs=specs, unpadded=False)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from configs import head_config, hub_api
from export.artifacts import hub_module
from export.model import albert, task_heads

# Attributes of an object, by name.
Settings = Mapping[str, tf.Variable]

# From the rank of ids to the specs of an encoder's inputs by name.
Specs = Callable[[int], dict[str, tf.TensorSpec]]

_Inputs = Mapping[str, tf.Tensor]
_Encode = Callable[[_Inputs, bool], dict[str, Any]]

_OUTPUTS = {
    head_config.CLASSIFY: hub_api.CLASSIFY_SIGNATURE_OUTPUTS,
    head_config.TAG: hub_api.TAG_SIGNATURE_OUTPUTS,
    head_config.ANSWER: hub_api.ANSWER_SIGNATURE_OUTPUTS,
    head_config.CHOOSE: hub_api.CHOOSE_SIGNATURE_OUTPUTS,
}


def settings(head: head_config.HeadConfig) -> Settings:
    """Returns what a head says of itself in the graph, which Keras keeps when it saves it again.

    String variables: `labels` [C] and, of a classifier, `problem_type` [].
    """
    found = {}
    if head.labels:
        found[hub_api.LABELS] = _words(hub_api.LABELS, list(head.labels))
    if head.problem_type:
        found[hub_api.PROBLEM_TYPE] = _words(hub_api.PROBLEM_TYPE, head.problem_type)
    return found


def make(
    kind: str,
    encode: _Encode,
    encoder: albert.Encoder,
    head: task_heads.Head,
    *,
    specs: Specs,
    unpadded: bool,
) -> hub_module.HubModule:
    """Returns the object of a head, which returns the encoder's outputs too.

    Args:
      kind: of the head.
      encode: takes the inputs and `training`.
      encoder: whose variables it shares.
      head: the head.
      specs: returns the specs of the inputs, whose ids have the rank that it takes.
      unpadded: whether `encode` computes tokens only.
    """

    def predict(inputs: _Inputs, training: bool) -> dict[str, Any]:
        outputs = encode(inputs, training)
        return {**outputs, **head(outputs, inputs, training=training, unpadded=unpadded)}

    def choose(inputs: _Inputs, training: bool) -> dict[str, Any]:
        return _with_choices(predict, inputs, training)

    is_choice = kind == head_config.CHOOSE
    return hub_module.HubModule(
        choose if is_choice else predict,
        specs=specs(3 if is_choice else 2),
        variables=encoder.variables + head.variables,
    )


def signatures(
    module: hub_module.HubModule, heads: Sequence[head_config.HeadConfig]
) -> dict[str, Any]:
    """Returns the signature of each head of an encoder object, by name."""
    return {
        head.kind: getattr(module, head.kind).signature(
            hub_api.ANSWER_BEAM_SIGNATURE_OUTPUTS if head.is_beam else _OUTPUTS[head.kind]
        )
        for head in heads
    }


def _with_choices(predict: _Encode, inputs: _Inputs, training: bool) -> dict[str, Any]:
    """Calls `predict` with each of N choices as an example.

    Args:
      predict: takes the encoder's inputs and returns `logits` [B, 1].
      inputs: int32 [B, N, S], embeddings float32 [B, N, S, E].
      training: passed on.

    Returns:
      `logits` [B, N]; the encoder's outputs [B, N, ...].
    """
    names = hub_api.ENCODER_INPUTS
    if hub_api.WORD_EMBEDDINGS in inputs:
        names = hub_api.EMBEDDINGS_INPUTS
    shape = tf.shape(inputs[names[0]])  # [B, N, S, ...]
    # Not -1, which an empty batch leaves open.
    rows_shape = [shape[0] * shape[1], shape[2]]
    rows = {
        name: tf.reshape(inputs[name], [*rows_shape, *inputs[name].shape[3:]]) for name in names
    }
    outputs = predict(rows, training)
    logits = tf.reshape(outputs.pop(hub_api.LOGITS), shape[:2])

    def by_choice(output: tf.Tensor) -> tf.Tensor:
        # Of a known rank. The dimensions that the graph does not know are S.
        rest = [shape[2] if size is None else size for size in output.shape[1:]]
        return tf.reshape(output, [shape[0], shape[1], *rest])

    return {**tf.nest.map_structure(by_choice, outputs), hub_api.LOGITS: logits}


def _words(name: str, value: Any) -> tf.Variable:
    return tf.Variable(value, trainable=False, dtype=tf.string, name=name)
