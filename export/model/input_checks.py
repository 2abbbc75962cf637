"""Checks of an encoder's inputs, as assertions in the graph.

Example:
    word_ids, mask, type_ids = input_checks.check_ids(inputs, config)

Using what is returned asserts that shapes and ids are valid.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from configs import albert_config, hub_api
from export.model import layers

_Inputs = Mapping[str, tf.Tensor]


def check_ids(inputs: _Inputs, config: albert_config.AlbertConfig) -> tuple[tf.Tensor, ...]:
    """Returns word ids, mask and type ids, int32 [B, S]."""
    word_ids = inputs[hub_api.INPUT_WORD_IDS]
    names = hub_api.ENCODER_INPUTS
    shape = tf.shape(word_ids)
    return _checked(inputs, config, names=names, shape=shape, like="shape of input_word_ids")


def check_embeddings(inputs: _Inputs, config: albert_config.AlbertConfig) -> tuple[tf.Tensor, ...]:
    """Returns word embeddings, float32 [B, S, E], mask and type ids, int32 [B, S]."""
    embeddings = inputs[hub_api.WORD_EMBEDDINGS]
    names = (hub_api.INPUT_MASK, hub_api.INPUT_TYPE_IDS)
    shape = tf.shape(embeddings)[:2]  # [B, S]
    like = "batch and length of word_embeddings"
    return embeddings, *_checked(inputs, config, names=names, shape=shape, like=like)


def check_words(word_ids: tf.Tensor, config: albert_config.AlbertConfig) -> tf.Tensor:
    """Returns word ids, int32 of any shape."""
    with tf.control_dependencies([_word_range(word_ids, config)]):
        return tf.identity(word_ids)


def _checked(
    inputs: _Inputs,
    config: albert_config.AlbertConfig,
    *,
    names: Sequence[str],
    shape: tf.Tensor,
    like: str,
) -> tuple[tf.Tensor, ...]:
    """Returns the inputs of these names, which must have that shape."""
    limit = config.max_position_embeddings
    checks = [
        tf.debugging.Assert(
            shape[1] <= limit,
            [f"seq_length must be at most {limit}, the number of positions; got", shape[1]],
        )
    ]
    if hub_api.INPUT_WORD_IDS in names:
        checks.append(_word_range(inputs[hub_api.INPUT_WORD_IDS], config))
    type_ids, types = inputs[hub_api.INPUT_TYPE_IDS], config.type_vocab_size
    checks.append(
        layers.check_range(type_ids, types, hub_api.INPUT_TYPE_IDS, "the number of types")
    )
    checks += [
        tf.debugging.Assert(
            tf.reduce_all(tf.equal(tf.shape(inputs[name]), shape)),
            [f"{name} must have the {like}; got", tf.shape(inputs[name]), shape],
        )
        for name in names
    ]
    with tf.control_dependencies(checks):
        # Where shapes are static, building the graph fails before any assertion runs, with the
        # name of the op in the message.
        message = f"must_have_the_{like}".replace(" ", "_")
        return tuple(tf.reshape(inputs[name], shape, name=f"{name}_{message}") for name in names)


def _word_range(word_ids: tf.Tensor, config: albert_config.AlbertConfig) -> tf.Operation:
    return layers.check_range(
        word_ids, config.vocab_size, hub_api.INPUT_WORD_IDS, "the vocabulary size"
    )
