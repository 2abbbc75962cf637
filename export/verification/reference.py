"""Recomputes what an encoder should compute, with an engine that is not ours where there is one.

    for reference in references.compute(source, config=config, inputs=inputs): ...

The source itself answers where it can be loaded (TF1 Hub modules, SavedModels), transformers and
torch for Hugging Face where they are installed. What they do not tell (a Hub module has no hidden
layers), and all of every other source, comes from the numpy oracle.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from configs import albert_config, hub_api
from export.checkpoints import lazy_checkpoint, restore, weight_table
from export.saved_models import loading
from export.verification import numpy_albert, published_rules, transformers_albert

# Output of a TF1 Hub module: the log-softmax of our `sop_logits`.
SOP_LOG_PROBS = "sop_log_probs"

# What the heads of fine-tuned models add to the encoder's outputs.
HEAD_OUTPUTS = {
    hub_api.CLASSIFY: hub_api.CLASSIFY_SIGNATURE_OUTPUTS[:1],
    hub_api.TAG: hub_api.TAG_SIGNATURE_OUTPUTS,
    hub_api.ANSWER: hub_api.ANSWER_BEAM_SIGNATURE_OUTPUTS,
    hub_api.CHOOSE: hub_api.CHOOSE_SIGNATURE_OUTPUTS,
}
Arrays = Mapping[str, np.ndarray]
NUMPY = f"numpy oracle (numpy {np.__version__})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reference:
    """Outputs of an engine.

    Attributes:
      engine: what computed them, with its version.
      outputs: by name; `encoder_outputs` is an array [num_hidden_layers, B, S, H].
    """

    engine: str
    outputs: Mapping[str, np.ndarray]


def inputs(config: albert_config.AlbertConfig, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Returns inputs that exercise a model: three rows of different lengths, all types, random ids.

    int32 [3, S] arrays by the names of the contract, and [3, 5] `masked_lm_positions`.
    """
    generator = np.random.default_rng(seed)
    seq_length = min(24, config.max_position_embeddings)
    lengths = np.array([[seq_length], [max(seq_length // 2, 1)], [max(seq_length - 5, 1)]])
    mask = np.arange(seq_length) < lengths  # [3, S]
    types = np.arange(seq_length) * config.type_vocab_size // seq_length
    predictions = min(5, seq_length)
    arrays = {
        hub_api.INPUT_WORD_IDS: mask * generator.integers(config.vocab_size, size=mask.shape),
        hub_api.INPUT_MASK: mask,
        hub_api.INPUT_TYPE_IDS: mask * types,
        hub_api.MASKED_LM_POSITIONS: generator.integers(lengths, size=[3, predictions]),
    }
    return {name: np.asarray(array, np.int32) for name, array in arrays.items()}


def compute(
    checkpoint: lazy_checkpoint.Checkpoint,
    *,
    tensors: Arrays,
    config: albert_config.AlbertConfig,
    inputs: Arrays,
) -> list[Reference]:
    """Returns the references of a source; together they have every output that it has.

    Args:
      checkpoint: where the weights come from.
      tensors: its weights by the names of our variables.
      config: its hyper-parameters.
      inputs: see `inputs`.
    """
    own = None
    directory = saved_model(checkpoint)
    if directory is not None:
        is_module = checkpoint.format == weight_table.TF1_HUB
        own = (_tf1_hub if is_module else _saved_model)(directory, inputs)
    elif checkpoint.format == weight_table.HUGGING_FACE:
        own = _transformers(checkpoint, inputs)
    with_head = restore.has_mlm_head(checkpoint)
    asked = {
        name: array
        for name, array in inputs.items()
        if with_head or name != hub_api.MASKED_LM_POSITIONS
    }
    outputs = by_numpy(checkpoint, tensors=tensors, config=config, inputs=asked)
    del outputs[numpy_albert.EMBEDDING_OUTPUT]
    told = set(own.outputs) if own else set()
    if SOP_LOG_PROBS in told:
        told.add(hub_api.SOP_LOGITS)
    rest = {name: np.asarray(value) for name, value in outputs.items() if name not in told}
    ours = Reference(engine=NUMPY, outputs=rest)
    return ([own] if own else []) + ([ours] if rest else [])


def saved_model(checkpoint: lazy_checkpoint.Checkpoint) -> str | None:
    """Returns the folder of the SavedModel that `compute` runs; None if it runs none."""
    is_run = checkpoint.format == weight_table.TF1_HUB or (
        checkpoint.format == weight_table.SAVED_MODEL and not checkpoint.unused_tensors
    )
    return os.path.dirname(os.path.dirname(checkpoint.files[0])) if is_run else None


def by_numpy(
    checkpoint: lazy_checkpoint.Checkpoint,
    *,
    tensors: Arrays,
    config: albert_config.AlbertConfig,
    inputs: Arrays,
) -> dict[str, Any]:
    """Computes by the rules that the source's code has, not by those that the exporter found.

    Takes what `compute` takes; returns what `numpy_albert.encode` returns.
    """
    groups, act = None, None
    if checkpoint.format != weight_table.SAVED_MODEL:
        groups = published_rules.groups(
            checkpoint.format, layers=config.num_hidden_layers, groups=config.num_hidden_groups
        )
        act = published_rules.hidden_act(checkpoint.format, checkpoint.config_values or {})
        eps = published_rules.mlm_layer_norm_eps(checkpoint.format)
        config = dataclasses.replace(config, mlm_layer_norm_eps=eps)
    config = dataclasses.replace(config, hidden_act=act or config.hidden_act)
    return numpy_albert.encode(tensors, config=config, inputs=inputs, groups=groups)


def _tf1_hub(directory: str, inputs: Arrays) -> Reference:
    """Runs the module's signatures (google-research/albert, export_to_tfhub.py)."""
    import tensorflow as tf

    module = loading.load(directory, tags=[])
    tokens = {
        "input_ids": tf.constant(inputs[hub_api.INPUT_WORD_IDS]),
        "input_mask": tf.constant(inputs[hub_api.INPUT_MASK]),
        "segment_ids": tf.constant(inputs[hub_api.INPUT_TYPE_IDS]),
    }
    positions = inputs[hub_api.MASKED_LM_POSITIONS]
    outputs = dict(module.signatures["tokens"](**tokens))
    if "mlm" in module.signatures:
        logits = module.signatures["mlm"](**tokens, mlm_positions=tf.constant(positions))
        flat = logits[hub_api.MLM_LOGITS]  # [B * P, V]
        outputs[hub_api.MLM_LOGITS] = tf.reshape(flat, [*positions.shape, -1])
    if "sop" in module.signatures:
        outputs[SOP_LOG_PROBS] = module.signatures["sop"](**tokens)[SOP_LOG_PROBS]
    return Reference(
        engine=f"the TF1 Hub module itself (TensorFlow {tf.__version__})",
        outputs={name: output.numpy() for name, output in outputs.items()},
    )


def _saved_model(directory: str, inputs: Arrays) -> Reference:
    import tensorflow as tf

    return Reference(
        engine=f"the SavedModel itself (TensorFlow {tf.__version__})",
        outputs=call_saved_model(loading.load(directory), inputs),
    )


def call_saved_model(module: Any, inputs: Arrays) -> dict[str, np.ndarray]:
    """Returns the outputs of an `albert_en_*` object and of the heads that it has.

    Args:
      module: what `loading.load` returns.
      inputs: see `inputs`.
    """
    import tensorflow as tf

    tensors = {name: tf.constant(array) for name, array in inputs.items()}
    plain = {name: tensors[name] for name in hub_api.ENCODER_INPUTS}
    outputs = dict(module(plain, training=False))
    if hasattr(module, hub_api.MLM):
        logits = module.mlm(tensors, training=False)[hub_api.MLM_LOGITS]
        outputs[hub_api.MLM_LOGITS] = logits
    if hasattr(module, hub_api.SOP):
        outputs[hub_api.SOP_LOGITS] = module.sop(plain, training=False)[hub_api.SOP_LOGITS]
    for head, names in HEAD_OUTPUTS.items():
        if hasattr(module, head):
            is_choice = head == hub_api.CHOOSE  # the batch is one choice
            given = {n: t[tf.newaxis] if is_choice else t for n, t in plain.items()}
            results = getattr(module, head)(given, training=False)
            outputs |= {f"{head}.{name}": results[name] for name in names if name in results}
    return {name: np.asarray(tf.stack(output)) for name, output in outputs.items()}


def _transformers(checkpoint: lazy_checkpoint.Checkpoint, inputs: Arrays) -> Reference | None:
    """Runs Hugging Face's own model; None where it is not installed or does not load all of it."""
    model = transformers_albert.load(checkpoint)
    if model is None:
        return None
    outputs = transformers_albert.encode(model, inputs, sop=restore.has_sop_head(checkpoint))
    return Reference(engine=transformers_albert.versions(), outputs=outputs)
