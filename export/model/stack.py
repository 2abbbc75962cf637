"""The blocks of an encoder, one after the other.

Example:
    blocks = stack.Stack(config, weights=groups[0][0], attention_outputs=False, recompute=False)
    states, attention = blocks(hidden, rows_layout, groups, training=True)

Dimension letters: albert.py.
"""

import functools
from collections.abc import Sequence

import tensorflow as tf

from configs import albert_config
from export.model import block, recomputation, unpadding


class Stack:
    """Computes all blocks, and hands the weights of each group from layer to layer."""

    def __init__(
        self,
        config: albert_config.AlbertConfig,
        *,
        weights: block.Weights,
        attention_outputs: bool,
        recompute: bool,
    ) -> None:
        """Makes the functions of a block.

        Args:
          config: the hyper-parameters.
          weights: of any block; those of all blocks have the same shapes and dtypes.
          attention_outputs: whether the attention of padded rows is returned.
          recompute: whether gradients compute each block again, instead of keeping what they need.
        """
        self._config = config
        self._attention_outputs = attention_outputs
        apply = functools.partial(block.apply, config=config)
        self._block = tf.function(apply, autograph=False)
        attend = functools.partial(block.apply_with_attention, config=config)
        self._block_with_attention = tf.function(attend, autograph=False)
        self._carry = tf.function(carry, autograph=False)
        self._recomputed = {
            type(layout): self._trace_recomputed(layout, weights)
            for layout in (unpadding.PADDED, unpadding.UNPADDED)
            if recompute
        }

    def _trace_recomputed(
        self, rows_layout: unpadding.Layout, weights: block.Weights
    ) -> tf.types.experimental.ConcreteFunction:
        dtype = weights.output.kernel.dtype
        apply = functools.partial(
            block.apply_with_seeds, attends=self._attends(rows_layout), config=self._config
        )
        return recomputation.trace_once(
            apply,
            inputs=(
                tf.TensorSpec([None, self._config.hidden_size], dtype),
                tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), weights),
            ),
            constants=(rows_layout, tf.TensorSpec([block.NUM_SEEDS, 2], tf.int32)),
        )

    def _attends(self, rows_layout: unpadding.Layout) -> bool:
        return self._attention_outputs and isinstance(rows_layout, unpadding.Padded)

    def __call__(
        self,
        hidden: tf.Tensor,
        rows_layout: unpadding.Layout,
        groups: Sequence[Sequence[block.Weights]],
        *,
        training: bool,
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns the rows [T, H] after each layer, and the attention of each block if asked.

        Args:
          hidden: rows [T, H] of the embeddings.
          rows_layout: of these rows.
          groups: the weights of the inner blocks of each group.
          training: whether dropout is on.
        """
        config = self._config
        carried = [list(group) for group in groups]
        seeds = self._draw_seeds() if training and self._recomputed else None
        states: list[tf.Tensor] = []
        attention: list[tf.Tensor] = []
        for layer in range(config.num_hidden_layers):
            group = carried[config.group_of_layer(layer)]
            for inner, weights in enumerate(group):
                if seeds is not None:
                    recomputed = self._recomputed[type(rows_layout)]
                    hidden, *probs = recomputed((hidden, weights), (rows_layout, seeds.pop()))
                    attention += probs  # [B, N, S, S]
                elif self._attends(rows_layout):
                    hidden, probs = self._block_with_attention(
                        hidden, rows_layout, weights, training=training
                    )
                    attention.append(probs)  # [B, N, S, S]
                else:
                    hidden = self._block(hidden, rows_layout, weights, training=training)
                if training:
                    group[inner] = self._carry(weights)
            states.append(hidden)
        return states, attention

    def _draw_seeds(self) -> list[tf.Tensor]:
        """Returns seeds of the dropouts of each block, other ones each time."""
        num_blocks = self._config.num_hidden_layers * self._config.inner_group_num
        shape = [num_blocks, block.NUM_SEEDS, 2]
        return tf.unstack(tf.random.uniform(shape, maxval=tf.int32.max, dtype=tf.int32))


def carry(weights: block.Weights) -> block.Weights:
    """Returns `block.chain_gradients(weights)`, under the name that exported graphs have for it."""
    return block.chain_gradients(weights)
