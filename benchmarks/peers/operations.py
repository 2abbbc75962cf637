"""Counts the floating point operations that a work item needs at least.

A multiplication and an addition are two operations. Only matrix products count, and only of tokens,
not of padding. With H hidden size, F intermediate size, E embedding size, per layer and token:
query, key, value and output 4 * 2 H^2, feed-forward 2 * 2 H F; per layer and row of L tokens:
scores and context 2 * 2 L^2 H. Besides, 2 E H per token for the embedding projection and 2 H^2 per
row for the pooler. A training step needs three times as many, because it also computes the
gradients of both operands of each product.
"""

from collections.abc import Sequence

from configs import albert_config

TRAINING_FACTOR = 3


def inference(lengths: Sequence[int], config: albert_config.AlbertConfig) -> int:
    """Returns the operations for a batch of rows of these lengths."""
    H, F, E = config.hidden_size, config.intermediate_size, config.embedding_size
    tokens = sum(lengths)
    per_layer = tokens * (8 * H * H + 4 * H * F) + 4 * H * sum(length**2 for length in lengths)
    return config.num_hidden_layers * per_layer + tokens * 2 * E * H + len(lengths) * 2 * H * H
