"""The heads of fine-tuned models in plain numpy, as their sources compute them.

Example:
    outputs = numpy_heads.compute(tensors, config=config, inputs=inputs, hidden=hidden, pooled=None)
    outputs["tag.logits"]

Written from transformers' modeling_albert.py and google-research/albert's classifier_utils.py,
race_utils.py and squad_utils.py, not from our TensorFlow code: nothing here may be shared with
`export/model/task_heads.py`.
"""

from collections.abc import Mapping

import numpy as np

from configs import albert_config, hub_api

_Arrays = Mapping[str, np.ndarray]


def compute(
    tensors: _Arrays,
    *,
    config: albert_config.AlbertConfig,
    inputs: _Arrays,
    hidden: np.ndarray,
    pooled: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """Returns the outputs of the heads whose weights are among the tensors, without dropout.

    Args:
      tensors: the weights by the names of the artifact's variables.
      config: the hyper-parameters.
      inputs: int [B, S] `input_mask` and `input_type_ids`.
      hidden: the sequence output [B, S, H].
      pooled: the pooled output [B, H]; None without pooler.

    Returns:
      By attribute and name: `classify.logits` [B, C], `tag.logits` [B, S, C], `answer.start_logits`
      and `answer.end_logits` [B, S], `choose.logits` [1, B], where the batch is one choice. Where
      the ends depend on the starts, `answer.end_logits` [B, K, S], `answer.start_positions` [B, K]
      and `answer.cls_logits` [B].
    """
    outputs = {}
    if pooled is not None:
        for head in (hub_api.CLASSIFY, hub_api.CHOOSE):
            if f"cls/{head}/kernel" in tensors:
                logits = _linear(pooled, tensors, f"cls/{head}")
                is_choice = head == hub_api.CHOOSE
                outputs[f"{head}.{hub_api.LOGITS}"] = logits.T if is_choice else logits
    if "cls/tag/kernel" in tensors:
        outputs[f"{hub_api.TAG}.{hub_api.LOGITS}"] = _linear(hidden, tensors, "cls/tag")
    if "cls/answer/kernel" in tensors:
        logits = _linear(hidden, tensors, "cls/answer")
        outputs[f"{hub_api.ANSWER}.{hub_api.START_LOGITS}"] = logits[..., 0]
        outputs[f"{hub_api.ANSWER}.{hub_api.END_LOGITS}"] = logits[..., 1]
    if "cls/answer_beam/start_logits/kernel" in tensors:
        examples = [
            _beam(tensors, config.start_n_top, *example)
            for example in zip(
                hidden, inputs[hub_api.INPUT_MASK], inputs[hub_api.INPUT_TYPE_IDS], strict=True
            )
        ]
        for name in examples[0]:
            outputs[f"{hub_api.ANSWER}.{name}"] = np.stack([example[name] for example in examples])
    return outputs


def _beam(
    tensors: _Arrays, start_n_top: int, hidden: np.ndarray, mask: np.ndarray, types: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns what create_v2_model computes of one example, with hidden [S, H]."""
    scope = "cls/answer_beam"
    starts = _linear(hidden, tensors, f"{scope}/start_logits")[:, 0]  # [S]
    masked = np.where(_p_mask(mask, types), starts, -1e30)
    positions = np.argsort(-masked, kind="stable")[:start_n_top]  # [K]
    # create_v2_model takes any where there are fewer; with a probability of 0 it does not matter.
    positions = np.where(masked[positions] > -1e30, positions, 0)
    ends = []
    for position in positions:
        start = np.broadcast_to(hidden[position], hidden.shape)
        joined = np.concatenate([hidden, start], axis=1)  # [S, 2 * H]
        features = np.tanh(_linear(joined, tensors, f"{scope}/end_logits/dense_0"))
        centred = features - features.mean(1, keepdims=True)
        normed = centred / np.sqrt(np.square(centred).mean(1, keepdims=True) + 1e-12)
        normed = normed * tensors[f"{scope}/end_logits/LayerNorm/gamma"]
        normed = normed + tensors[f"{scope}/end_logits/LayerNorm/beta"]
        ends.append(_linear(normed, tensors, f"{scope}/end_logits/dense_1")[:, 0])
    weights = np.exp(masked - masked.max())
    weights = weights / weights.sum()
    joined = np.concatenate([weights @ hidden, hidden[0]])  # [2 * H]
    features = np.tanh(_linear(joined, tensors, f"{scope}/answer_class/dense_0"))
    return {
        hub_api.START_LOGITS: starts,
        hub_api.END_LOGITS: np.stack(ends),
        hub_api.START_POSITIONS: positions.astype(np.int32),
        hub_api.CLS_LOGITS: (features @ tensors[f"{scope}/answer_class/dense_1/kernel"])[0],
    }


def _p_mask(mask: np.ndarray, types: np.ndarray) -> np.ndarray:
    """Returns where an answer may start [S]: `[CLS]` and the second segment without its `[SEP]`."""
    tokens = np.flatnonzero(mask)
    possible = np.zeros(mask.shape, bool)
    possible[[position for position in tokens[:-1] if types[position] != 0]] = True
    possible[0] = True
    return possible


def _linear(x: np.ndarray, tensors: _Arrays, name: str) -> np.ndarray:
    return x @ tensors[f"{name}/kernel"] + tensors[f"{name}/bias"]
