"""Hugging Face's own ALBERT, where transformers and torch are installed.

Example:
    model = transformers_albert.load(checkpoint)  # None without them
    outputs = transformers_albert.encode(model, inputs)
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from configs import head_config, hub_api
from export.checkpoints import lazy_checkpoint, restore, weight_table

# Classes of transformers, and where their heads are.
_CLASSES = {
    head_config.CLASSIFY: ("AlbertForSequenceClassification", "classifier"),
    head_config.TAG: ("AlbertForTokenClassification", "classifier"),
    head_config.ANSWER: ("AlbertForQuestionAnswering", "qa_outputs"),
    head_config.CHOOSE: ("AlbertForMultipleChoice", "classifier"),
}

_Arrays = Mapping[str, np.ndarray]


def versions() -> str:
    """Returns the names and versions of the libraries."""
    import torch
    import transformers

    return f"transformers {transformers.__version__}, torch {torch.__version__}"


def load(checkpoint: lazy_checkpoint.Checkpoint) -> Any | None:
    """Returns the model of a checkpoint of Hugging Face, in float32 and without dropout.

    None where the libraries are not installed, or do not load all of it.
    """
    config_file = checkpoint.config_file
    if config_file is None or os.path.basename(config_file) != "config.json":
        return None
    if checkpoint.adapter_files:
        return None
    # Loaded after TensorFlow, Triton's library crashes the process. CPUs do without it.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    try:
        import torch
        import transformers
    except ImportError:
        return None
    transformers.utils.logging.disable_progress_bar()
    mlm, sop = restore.has_mlm_head(checkpoint), restore.has_sop_head(checkpoint)
    kinds = checkpoint.found_heads.kinds
    name = {(True, True): "AlbertForPreTraining", (True, False): "AlbertForMaskedLM"}.get(
        (mlm, sop), _CLASSES[kinds[0]][0] if kinds else "AlbertModel"
    )
    bare = name == "AlbertModel"
    pooler = {"add_pooling_layer": checkpoint.has(weight_table.POOLER)} if bare else {}
    try:
        model, loaded = getattr(transformers, name).from_pretrained(
            os.path.dirname(checkpoint.files[0]),
            dtype=torch.float32,
            attn_implementation="eager",
            local_files_only=True,
            output_loading_info=True,
            **pooler,
        )
    except OSError:  # Keras weights, which only older versions read
        return None
    if loaded["missing_keys"] or loaded["mismatched_keys"]:
        return None  # names that it does not know, which it would fill with random weights
    return model.eval()


def encode(model: Any, inputs: _Arrays, *, sop: bool = False) -> dict[str, Any]:
    """Returns what a model computes: outputs of the encoder and of its heads.

    Args:
      model: of `load`.
      inputs: integer [B, S] arrays by the names of the contract, and [B, P] `masked_lm_positions`
        where the logits of the masked language model are wanted.
      sop: whether the sentence-order head is wanted.

    Returns:
      As `numpy_albert.encode`, where `encoder_outputs` is one array.
    """
    import torch

    with torch.no_grad():
        results = getattr(model, "albert", model)(
            input_ids=torch.from_numpy(inputs[hub_api.INPUT_WORD_IDS]).long(),
            attention_mask=torch.from_numpy(inputs[hub_api.INPUT_MASK]).long(),
            token_type_ids=torch.from_numpy(inputs[hub_api.INPUT_TYPE_IDS]).long(),
            output_hidden_states=True,
        )
        states = [state.numpy() for state in results.hidden_states[1:]]
        # Transformers 5 lists every inner block, 4 every layer.
        step = len(states) // model.config.num_hidden_layers
        layers = states[step - 1 :: step]
        outputs = {
            hub_api.ENCODER_OUTPUTS: np.stack(layers),
            hub_api.SEQUENCE_OUTPUT: results.last_hidden_state.numpy(),
        }
        if results.pooler_output is not None:
            pooled = results.pooler_output
            outputs |= dict.fromkeys((hub_api.POOLED_OUTPUT, hub_api.DEFAULT), pooled.numpy())
            if sop:
                outputs[hub_api.SOP_LOGITS] = model.sop_classifier(pooled).numpy()
        outputs |= _head(model, results)
        is_asked = hub_api.MASKED_LM_POSITIONS in inputs
        if is_asked and hasattr(model, "predictions"):
            rows = torch.arange(len(layers[0]))[:, None]
            positions = torch.from_numpy(inputs[hub_api.MASKED_LM_POSITIONS]).long()
            masked = results.last_hidden_state[rows, positions]  # [B, P, H]
            outputs[hub_api.MLM_LOGITS] = model.predictions(masked).numpy()
    return outputs


def _head(model: Any, results: Any) -> dict[str, np.ndarray]:
    """Returns what the head of a fine-tuned model adds, for the results of its encoder."""
    for kind, (name, attribute) in _CLASSES.items():
        if type(model).__name__ != name:
            continue
        pooled = head_config.needs_pooler(kind)
        states = results.pooler_output if pooled else results.last_hidden_state
        logits = getattr(model, attribute)(states).numpy()
        if kind == head_config.ANSWER:
            names = (hub_api.START_LOGITS, hub_api.END_LOGITS)
            return {f"{kind}.{name}": logits[..., i] for i, name in enumerate(names)}
        return {f"{kind}.{hub_api.LOGITS}": logits.T if kind == head_config.CHOOSE else logits}
    return {}
