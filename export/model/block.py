"""One Transformer block: its variables and its computation.

Example:
    weights = block.prepare(variables, config=config, dtype=tf.float32)  # once for all layers
    hidden = block.apply(hidden, rows_layout, weights, training=False, config=config)

ALBERT's layers share their weights, so `prepare` transforms the weights once per call of the
encoder, not once per layer. Dimension letters: albert.py and unpadding.py.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from configs import albert_config
from export.model import layers, unpadding


class Variables(NamedTuple):
    """The variables of a block, in the order of the artifact's `variables`."""

    query: layers.Dense  # kernel [H, N, D], bias [N, D]; likewise key and value
    key: layers.Dense
    value: layers.Dense
    attention_output: layers.Dense  # kernel [N, D, H], bias [H]
    attention_norm: layers.LayerNorm  # [H]
    intermediate: layers.Dense  # kernel [H, F], bias [F]
    output: layers.Dense  # kernel [F, H], bias [H]
    output_norm: layers.LayerNorm  # [H]


class Weights(NamedTuple):
    """The values of the variables in the shapes that the matrix products take."""

    query_key_value: layers.Dense  # kernel [H, 3H], bias [3H]; the query's third over sqrt(D)
    attention_output: layers.Dense  # kernel [H, H], bias [H]
    attention_norm: layers.LayerNorm
    intermediate: layers.Dense
    output: layers.Dense
    output_norm: layers.LayerNorm


# Dropouts of a block: of the attention's probabilities, of its output and of the block's.
NUM_SEEDS = 3
_UNSEEDED = (None,) * NUM_SEEDS


def variables(config: albert_config.AlbertConfig, *, group: int, inner: int) -> Variables:
    """Returns new variables for inner block `inner` of group `group`."""
    scope = "transformer"
    if config.num_hidden_groups > 1 or config.inner_group_num > 1:
        scope = f"transformer/group_{group}/inner_group_{inner}"
    hidden, intermediate = config.hidden_size, config.intermediate_size
    heads = [config.num_attention_heads, config.head_size]
    attention = f"{scope}/self_attention"
    return Variables(
        query=layers.dense_weights(f"{attention}/query", [hidden], heads),
        key=layers.dense_weights(f"{attention}/key", [hidden], heads),
        value=layers.dense_weights(f"{attention}/value", [hidden], heads),
        attention_output=layers.dense_weights(f"{attention}/attention_output", heads, [hidden]),
        attention_norm=layers.layer_norm_weights(f"{scope}/self_attention_layer_norm", hidden),
        intermediate=layers.dense_weights(f"{scope}/intermediate", [hidden], [intermediate]),
        output=layers.dense_weights(f"{scope}/output", [intermediate], [hidden]),
        output_norm=layers.layer_norm_weights(f"{scope}/output_layer_norm", hidden),
    )


def prepare(
    variables: Variables, *, config: albert_config.AlbertConfig, dtype: tf.DType
) -> Weights:
    """Returns the weights for `apply`, which computes its products in `dtype`."""
    hidden = config.hidden_size
    scale = config.head_size**-0.5
    query = layers.Dense(variables.query.kernel * scale, variables.query.bias * scale)
    inputs = (query, variables.key, variables.value)
    query_key_value = layers.Dense(
        tf.concat([tf.reshape(dense.kernel, [hidden, hidden]) for dense in inputs], axis=1),
        tf.concat([tf.reshape(dense.bias, [hidden]) for dense in inputs], axis=0),
    )
    attention_output = layers.Dense(
        tf.reshape(variables.attention_output.kernel, [hidden, hidden]),
        variables.attention_output.bias,
    )
    return Weights(
        query_key_value=layers.cast(query_key_value, dtype),
        attention_output=layers.cast(attention_output, dtype),
        attention_norm=layers.cast(variables.attention_norm, tf.float32),
        intermediate=layers.cast(variables.intermediate, dtype),
        output=layers.cast(variables.output, dtype),
        output_norm=layers.cast(variables.output_norm, tf.float32),
    )


def apply(
    hidden: tf.Tensor,
    rows_layout: unpadding.Layout,
    weights: Weights,
    *,
    training: bool,
    config: albert_config.AlbertConfig,
) -> tf.Tensor:
    """Returns the block's output [T, H]. Every projection is one two-dimensional product."""
    return _apply(hidden, rows_layout, weights, training=training, config=config)[0]


def apply_with_seeds(
    inputs: tuple[tf.Tensor, Weights],
    constants: tuple[unpadding.Layout, tf.Tensor],
    *,
    attends: bool,
    config: albert_config.AlbertConfig,
) -> tuple[tf.Tensor, ...]:
    """Returns what `apply` does in training or, if it `attends`, `apply_with_attention`.

    The same seeds, int32 [NUM_SEEDS, 2], drop the same units. Inputs get gradients, constants none.
    """
    (hidden, weights), (rows_layout, seeds) = inputs, constants
    output, probs = _apply(
        hidden, rows_layout, weights, training=True, config=config, seeds=tf.unstack(seeds)
    )
    return (output, _by_example(probs)) if attends else (output,)


def apply_with_attention(
    hidden: tf.Tensor,
    rows_layout: unpadding.Padded,
    weights: Weights,
    *,
    training: bool,
    config: albert_config.AlbertConfig,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the output [T, H], and the attention float32 [B, N, S, S] before its dropout.

    The last dimension is what a position looks at: its probabilities add up to one.
    """
    output, probs = _apply(hidden, rows_layout, weights, training=training, config=config)
    return output, _by_example(probs)


def _by_example(probs: tf.Tensor) -> tf.Tensor:
    return tf.transpose(probs, [1, 0, 2, 3])  # [B, N, S, S]


def _apply(
    hidden: tf.Tensor,
    rows_layout: unpadding.Layout,
    weights: Weights,
    *,
    training: bool,
    config: albert_config.AlbertConfig,
    seeds: Sequence[tf.Tensor | None] = _UNSEEDED,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the output [T, H] and the attention [N, G, L, L]."""
    dropout, eps = config.hidden_dropout_prob, config.layer_norm_eps
    probs_seed, attention_seed, output_seed = seeds
    query_key_value = layers.dense(hidden, weights.query_key_value)  # [T, 3H]
    context, probs = _attend(
        query_key_value, rows_layout, training=training, config=config, seed=probs_seed
    )
    attention = layers.dense(context, weights.attention_output)  # [T, H]
    attention = layers.dropout(attention, dropout, training, seed=attention_seed)
    hidden = layers.layer_norm(hidden + attention, weights.attention_norm, eps)  # [T, H]
    output = layers.dense(hidden, weights.intermediate)  # [T, F]
    output = layers.activate(output, config.hidden_act, training=training)  # [T, F]
    output = layers.dense(output, weights.output)  # [T, H]
    output = layers.dropout(output, dropout, training, seed=output_seed)  # [T, H]
    return layers.layer_norm(hidden + output, weights.output_norm, eps), probs  # [T, H]


def chain_gradients(weights: Weights) -> Weights:
    """Returns the weights for the next layer, so that gradients are added layer by layer.

    Otherwise TensorFlow keeps the kernels' gradients of all layers and adds them at the end. A
    stack of one tensor copies nothing, but stops Grappler from merging the additions.
    """

    def chained(dense: layers.Dense) -> layers.Dense:
        return dense._replace(kernel=tf.unstack(tf.stack([dense.kernel]))[0])

    return weights._replace(
        query_key_value=chained(weights.query_key_value),
        attention_output=chained(weights.attention_output),
        intermediate=chained(weights.intermediate),
        output=chained(weights.output),
    )


def _attend(
    query_key_value: tf.Tensor,
    rows_layout: unpadding.Layout,
    *,
    training: bool,
    config: albert_config.AlbertConfig,
    seed: tf.Tensor | None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns multi-head attention's contexts [T, H] for projected rows [T, 3H], and its softmax.

    The softmax is float32 [N, G, L, L], before dropout.
    """
    heads, width = config.num_attention_heads, config.head_size
    sequences = rows_layout.sequences(query_key_value)  # [G, L, 3H]
    shape = tf.unstack(tf.shape(sequences))[:2]
    # One transpose for all three, because each has a high fixed cost on the CPU.
    # Heads come first, so that splitting copies nothing.
    split = tf.transpose(tf.reshape(sequences, [*shape, 3 * heads, width]), [2, 0, 1, 3])
    query, key, value = tf.split(split, 3)  # [N, G, L, D]
    scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)  # [N, G, L, L]
    probs = tf.nn.softmax(scores + rows_layout.attention_bias)  # [N, G, L, L]
    dropped = layers.dropout(probs, config.attention_probs_dropout_prob, training, seed=seed)
    context = tf.matmul(tf.cast(dropped, value.dtype), value)  # [N, G, L, D]
    context = tf.transpose(context, [1, 2, 0, 3])  # [G, L, N, D]
    context = tf.reshape(context, [*shape, config.hidden_size])  # [G, L, H]
    return rows_layout.rows(context), probs
