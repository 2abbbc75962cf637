"""ALBERT's forward pass in plain numpy: a second opinion on the numbers.

    outputs = numpy_albert.encode(tensors, config=config, inputs={"input_word_ids": ids, ...})

Written from the paper (Lan et al. 2019, https://arxiv.org/abs/1909.11942) and from what
google-research/albert's `modeling.py` computes, not from our TensorFlow code: tests and
`export.verify` compare the two. It is plain on purpose, one statement per step of the paper.
Nothing here may be shared with `export/model/albert.py`.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import albert_config, hub_api
from export.verification import numpy_heads

# Output that the artifact does not have: float [B, S, E], the embeddings before the projection.
EMBEDDING_OUTPUT = "embedding_output"

# What the original adds to the attention scores of padding (modeling.py, `attention_layer`).
MASK_ADDER = -10000.0

_Tensors = Mapping[str, np.ndarray]


def encode(
    tensors: _Tensors,
    *,
    config: albert_config.AlbertConfig,
    inputs: Mapping[str, np.ndarray],
    groups: Sequence[int] | None = None,
    dtype: Any = np.float32,
) -> dict[str, Any]:
    """Returns what the encoder and its heads compute, without dropout.

    Args:
      tensors: the weights by the names of the encoder's variables (`pooler_transform/kernel`, ...).
      config: the hyper-parameters they belong to.
      inputs: integer [B, S] arrays `input_word_ids`, `input_mask`, `input_type_ids`, and [B, P]
        `masked_lm_positions` where the logits of the masked language model are wanted.
      groups: the group whose weights each hidden layer uses; None for the config's.
      dtype: what to compute in, float32 or float64.

    Returns:
      `pooled_output` and `default` [B, H], `sequence_output` [B, S, H], `encoder_outputs` (a list
      of `num_hidden_layers` arrays [B, S, H]), `embedding_output` [B, S, E]; `mlm_logits` [B, P, V]
      if `masked_lm_positions` was given; `sop_logits` [B, 2] if the tensors have that head; those
      of `numpy_heads.compute`; `attention_probs`, a list of [B, N, S, S], one per block. If they
      have no pooler, `default` is the mean over the tokens and there is no `pooled_output`.
    """
    tensors = {name: np.asanyarray(tensor, dtype) for name, tensor in tensors.items()}
    embeddings = _embed(tensors, config, inputs)  # [B, S, E]
    hidden = embeddings
    if "embedding_projection/kernel" in tensors:
        hidden = _dense(embeddings, tensors, "embedding_projection")  # [B, S, H]
    mask = np.asarray(inputs[hub_api.INPUT_MASK], dtype)  # [B, S]
    layers, attention = [], []
    for layer in range(config.num_hidden_layers):
        for inner in range(config.inner_group_num):
            group = groups[layer] if groups else config.group_of_layer(layer)
            prefix = _block_prefix(config, group, inner)
            hidden, probs = _block(hidden, tensors, prefix, config, mask)
            attention.append(probs)
        layers.append(hidden)
    outputs: dict[str, Any] = {
        EMBEDDING_OUTPUT: embeddings,
        hub_api.ENCODER_OUTPUTS: layers,
        hub_api.ATTENTION_PROBS: attention,
        hub_api.SEQUENCE_OUTPUT: hidden,
    }
    if "pooler_transform/kernel" in tensors:
        pooled = np.tanh(_dense(hidden[:, 0], tensors, "pooler_transform"))  # [B, H]
        outputs |= {hub_api.POOLED_OUTPUT: pooled, hub_api.DEFAULT: pooled}
    else:
        outputs[hub_api.DEFAULT] = _mean_of_tokens(hidden, mask)
    if hub_api.MASKED_LM_POSITIONS in inputs:
        positions = np.asarray(inputs[hub_api.MASKED_LM_POSITIONS])  # [B, P]
        outputs[hub_api.MLM_LOGITS] = _masked_lm(hidden, tensors, config, positions)
    if "cls/seq_relationship/kernel" in tensors:
        outputs[hub_api.SOP_LOGITS] = _dense(pooled, tensors, "cls/seq_relationship")
    pooled_output = outputs.get(hub_api.POOLED_OUTPUT)
    return outputs | numpy_heads.compute(
        tensors, config=config, inputs=inputs, hidden=hidden, pooled=pooled_output
    )


def _mean_of_tokens(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Returns the mean over the tokens of each row, [B, H]; zeros for a row without tokens."""
    rows = [states[is_token > 0] for states, is_token in zip(hidden, mask, strict=True)]
    empty = np.zeros(hidden.shape[2], hidden.dtype)
    return np.stack([row.mean(0) if len(row) else empty for row in rows])


def _block_prefix(config: albert_config.AlbertConfig, group: int, inner: int) -> str:
    if config.num_hidden_groups == config.inner_group_num == 1:
        return "transformer"
    return f"transformer/group_{group}/inner_group_{inner}"


def _embed(
    tensors: _Tensors, config: albert_config.AlbertConfig, inputs: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Returns the normalised sum of word, type and position embeddings, [B, S, E]."""
    ids = np.asarray(inputs[hub_api.INPUT_WORD_IDS])
    types = np.asarray(inputs[hub_api.INPUT_TYPE_IDS])
    total = tensors["word_embeddings/embeddings"][ids]
    total = total + tensors["type_embeddings/embeddings"][types]
    total = total + tensors["position_embedding/embeddings"][: ids.shape[1]]
    return _layer_norm(total, tensors, "embeddings/layer_norm", config)


def _block(
    hidden: np.ndarray,
    tensors: _Tensors,
    prefix: str,
    config: albert_config.AlbertConfig,
    mask: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns attention and feed-forward network, each with its residual, normalised after it.

    Also the probabilities [B, N, S, S] of its attention.
    """
    attended, probs = _attention(hidden, tensors, f"{prefix}/self_attention", config, mask)
    attended = _layer_norm(
        hidden + attended, tensors, f"{prefix}/self_attention_layer_norm", config
    )
    widened = _activate(_dense(attended, tensors, f"{prefix}/intermediate"), config.hidden_act)
    output = _dense(widened, tensors, f"{prefix}/output")
    return _layer_norm(attended + output, tensors, f"{prefix}/output_layer_norm", config), probs


def _attention(
    hidden: np.ndarray,
    tensors: _Tensors,
    prefix: str,
    config: albert_config.AlbertConfig,
    mask: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the output projection of all heads, [B, S, H], and their probabilities [B, N, S, S].

    It computes one head at a time, which is not fast.
    """
    hidden_size, heads = config.hidden_size, config.num_attention_heads
    heads_probs = []
    output = np.zeros_like(hidden) + tensors[f"{prefix}/attention_output/bias"]
    for head in range(heads):
        query, key, value = (
            hidden @ tensors[f"{prefix}/{name}/kernel"].reshape(hidden_size, heads, -1)[:, head]
            + tensors[f"{prefix}/{name}/bias"].reshape(heads, -1)[head]
            for name in ("query", "key", "value")
        )  # [B, S, D] each
        scores = query @ key.transpose(0, 2, 1) / hidden.dtype.type(math.sqrt(query.shape[-1]))
        scores = scores + (1 - mask[:, None, :]) * hidden.dtype.type(MASK_ADDER)  # [B, S, S]
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        probs = scores / scores.sum(-1, keepdims=True)  # [B, S, S]
        heads_probs.append(np.asarray(probs))
        context = probs @ value  # [B, S, D]
        kernel = tensors[f"{prefix}/attention_output/kernel"].reshape(heads, -1, hidden_size)
        output = output + context @ kernel[head]
    return output, np.stack(heads_probs, axis=1)


def _masked_lm(
    hidden: np.ndarray,
    tensors: _Tensors,
    config: albert_config.AlbertConfig,
    positions: np.ndarray,
) -> np.ndarray:
    """Returns the logits at `positions`, [B, P, V].

    The output matrix is the word embeddings, unless the head has one of its own.
    """
    rows = np.arange(len(hidden))[:, None]
    transformed = _dense(hidden[rows, positions], tensors, "cls/predictions/transform/dense")
    transformed = _activate(transformed, config.hidden_act)
    if config.mlm_layer_norm_eps is not None:
        config = dataclasses.replace(config, layer_norm_eps=config.mlm_layer_norm_eps)
    transformed = _layer_norm(transformed, tensors, "cls/predictions/transform/LayerNorm", config)
    words = tensors.get("cls/predictions/decoder/embeddings")
    if words is None:
        words = tensors["word_embeddings/embeddings"]
    return transformed @ words.T + tensors["cls/predictions/output_bias/bias"]


def _dense(x: np.ndarray, tensors: _Tensors, name: str) -> np.ndarray:
    return x @ tensors[f"{name}/kernel"] + tensors[f"{name}/bias"]


def _layer_norm(
    x: np.ndarray, tensors: _Tensors, name: str, config: albert_config.AlbertConfig
) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    variance = np.square(centred).mean(-1, keepdims=True)
    normalised = centred / np.sqrt(variance + x.dtype.type(config.layer_norm_eps))
    return normalised * tensors[f"{name}/gamma"] + tensors[f"{name}/beta"]


def _activate(x: np.ndarray, hidden_act: str) -> np.ndarray:
    """Returns `hidden_act` of x; gelu after Hendrycks and Gimpel, https://arxiv.org/abs/1606.08415."""
    if hidden_act == albert_config.GELU_TANH:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return x * 0.5 * (1 + np.tanh(inner))
    if hidden_act == albert_config.GELU_ERF:
        erf = np.vectorize(math.erf, otypes=[x.dtype])
        return x * 0.5 * (1 + erf(x / math.sqrt(2)))
    if hidden_act == "relu":
        return np.maximum(x, 0)
    if hidden_act == "tanh":
        return np.tanh(x)
    if hidden_act == "linear":
        return x
    raise ValueError(f"hidden_act must be one of {albert_config.HIDDEN_ACTS}, got {hidden_act!r}")
