"""Makes the encoder artifact: the contract of TF Hub's `albert_en_*` models.

encoder_artifact.write("dir", spec=spec, compute_dtype="float32")
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from configs import head_config, hub_api
from export.artifacts import (
    encoder_spec,
    hub_module,
    task_modules,
    tokenizer_assets,
    tokenizer_spec,
)
from export.checkpoints import restore
from export.metadata import manifest
from export.model import albert, heads, initial_weights, task_heads

_OnProgress = Callable[[int, int], None]
_Encode = Callable[[Mapping[str, tf.Tensor], bool], dict[str, Any]]
_Specs = Mapping[str, tf.TensorSpec]


class _Model:
    """An encoder with its heads, filled with weights.

    Attributes:
      encoder: the encoder.
      mlm: the masked language model head, if there is one.
      sop: the sentence-order head, if there is one.
      task_heads: the heads of a fine-tuned model, by kind.
    """

    def __init__(
        self, spec: encoder_spec.EncoderSpec, *, on_progress: _OnProgress, **options: Any
    ) -> None:
        """Fills the variables; `options` are those of the encoder."""
        self.encoder = albert.Encoder(spec.config, **options)
        self.mlm = heads.MaskedLanguageModel(self.encoder) if spec.mlm else None
        self.sop = heads.SentenceOrder(self.encoder) if spec.sop else None
        self.task_heads = {
            head.kind: task_heads.make(head, spec.config) for head in spec.chosen_heads.heads
        }
        variables = list(self.encoder.variables)
        new: list[tf.Variable] = []
        heads_by_kind = {hub_api.MLM: self.mlm, hub_api.SOP: self.sop, **self.task_heads}
        for kind, head in heads_by_kind.items():
            if head:
                (new if kind in spec.chosen_heads.untrained else variables).extend(head.variables)
        initializer_range = spec.config.initializer_range
        if spec.checkpoint is None:
            initial_weights.fill(
                variables + new, initializer_range=initializer_range, seed=spec.seed
            )
            return
        restore.restore(
            {variable.name.removesuffix(":0"): variable for variable in variables},
            checkpoint=spec.checkpoint,
            config=spec.config,
            heads=spec.chosen_heads.trained,
            on_progress=on_progress,
        )
        initial_weights.fill(new, initializer_range=initializer_range, seed=spec.seed)


def write(
    directory: str,
    *,
    spec: encoder_spec.EncoderSpec,
    compute_dtype: str,
    attention_outputs: bool = False,
    from_embeddings: bool = False,
    recompute: bool = False,
    on_progress: _OnProgress = lambda done, total: None,
) -> None:
    """Writes an encoder into `directory`.

    Args:
      directory: where the SavedModel goes.
      spec: config, tokenizer and weights. The tokenizer becomes assets, see `_track_tokenizer`.
      compute_dtype: "float32" or "bfloat16", of activations and products.
      attention_outputs: whether callables that compute padding return `attention_probs`.
      from_embeddings: whether there is `.from_embeddings`.
      recompute: whether gradients compute each block again, instead of keeping what they need.
      on_progress: called with the number of weights that were read so far, and of all.

    Raises:
      errors.CheckpointMismatchError: the weights cannot be read, or are not finite.
    """
    model = _Model(
        spec,
        compute_dtype=compute_dtype,
        attention_outputs=attention_outputs,
        from_embeddings=from_embeddings,
        recompute=recompute,
        on_progress=on_progress,
    )
    settings = {head.kind: task_modules.settings(head) for head in spec.chosen_heads.heads}
    module = _on_ids(model, settings, unpadded=False)
    module.unpadded = _on_ids(model, settings, unpadded=True)
    if from_embeddings:
        module.from_embeddings = _on_embeddings(model, settings)
    # Beside the artifact: what a killed exporter leaves there is swept.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(directory)) as assets:
        if spec.tokenizer is not None:
            _track_tokenizer(module, spec.tokenizer, assets)
        signatures = _signatures(module, has_pooler=spec.config.pooler)
        signatures |= task_modules.signatures(module, spec.chosen_heads.heads)
        hub_module.save(module, directory, signatures=signatures)
    entries = {**spec.manifest_entries(), "compute_dtype": compute_dtype}
    asked = {
        "attention_outputs": attention_outputs,
        "from_embeddings": from_embeddings,
        "recompute": recompute,
    }
    entries |= {name: True for name, value in asked.items() if value}
    manifest.write(directory, artifact=manifest.ENCODER, entries=entries)


def _track_tokenizer(
    module: hub_module.HubModule, tokenizer: tokenizer_spec.TokenizerSpec, directory: str
) -> None:
    """Makes assets of a tokenizer.

    The heads of fine-tuned models have them too, because a Keras model around one has nothing else
    of the root.
    """
    tokenizer_assets.track(module, tokenizer, directory)
    on_embeddings = getattr(module, hub_api.FROM_EMBEDDINGS, None)
    for encoder in (module, module.unpadded, *([on_embeddings] if on_embeddings else [])):
        for kind in head_config.KINDS:
            if hasattr(encoder, kind):
                tokenizer_assets.pass_on(module, getattr(encoder, kind))


def _on_ids(
    model: _Model, settings: Mapping[str, task_modules.Settings], *, unpadded: bool
) -> hub_module.HubModule:
    """Returns the encoder object that takes ids."""

    def encode(inputs: Mapping[str, tf.Tensor], training: bool) -> dict[str, Any]:
        return model.encoder(inputs, training=training, unpadded=unpadded)

    def specs(rank: int) -> dict[str, tf.TensorSpec]:
        return hub_module.specs(hub_api.ENCODER_INPUTS, rank=rank)

    return _module(model, settings, encode, specs, unpadded=unpadded)


def _on_embeddings(
    model: _Model, settings: Mapping[str, task_modules.Settings]
) -> hub_module.HubModule:
    """Returns the encoder object that takes embeddings, with `lookup`, which makes them."""
    encoder = model.encoder

    def encode(inputs: Mapping[str, tf.Tensor], training: bool) -> dict[str, Any]:
        return encoder.from_embeddings(inputs, training=training)

    def specs(rank: int) -> dict[str, tf.TensorSpec]:
        return hub_module.embeddings_specs(encoder.config.embedding_size, rank=rank)

    module = _module(model, settings, encode, specs, unpadded=False)
    module.lookup = hub_module.HubModule(
        lambda word_ids, training: encoder.lookup(word_ids),
        specs=tf.TensorSpec([None, None], tf.int32, name=hub_api.INPUT_WORD_IDS),
        variables=[encoder.word_embeddings],
    )
    return module


def _module(
    model: _Model,
    settings: Mapping[str, task_modules.Settings],
    encode: _Encode,
    specs: task_modules.Specs,
    *,
    unpadded: bool,
) -> hub_module.HubModule:
    """Returns an encoder object, with its heads, which have `settings` by kind."""
    encoder = model.encoder
    module = hub_module.HubModule(encode, specs=specs(2), variables=encoder.variables)
    if model.mlm:
        module.mlm = _mlm_module(encode, specs(2), encoder, model.mlm)
    if model.sop:
        module.sop = _sop_module(encode, specs(2), encoder, model.sop)
    for kind, head in model.task_heads.items():
        task = task_modules.make(kind, encode, encoder, head, specs=specs, unpadded=unpadded)
        for name, value in settings[kind].items():
            setattr(task, name, value)
        setattr(module, kind, task)
    return module


def _mlm_module(
    encode: _Encode, specs: _Specs, encoder: albert.Encoder, head: heads.MaskedLanguageModel
) -> hub_module.HubModule:
    def predict(inputs: Mapping[str, tf.Tensor], training: bool) -> dict[str, Any]:
        outputs = encode(inputs, training)
        positions = inputs[hub_api.MASKED_LM_POSITIONS]
        logits = head(outputs[hub_api.SEQUENCE_OUTPUT], positions)
        return {**outputs, hub_api.MLM_LOGITS: logits}

    return hub_module.HubModule(
        predict,
        specs={**specs, **hub_module.specs([hub_api.MASKED_LM_POSITIONS])},
        variables=encoder.variables + head.variables,
    )


def _sop_module(
    encode: _Encode, specs: _Specs, encoder: albert.Encoder, head: heads.SentenceOrder
) -> hub_module.HubModule:
    def predict(inputs: Mapping[str, tf.Tensor], training: bool) -> dict[str, Any]:
        outputs = encode(inputs, training)
        return {**outputs, hub_api.SOP_LOGITS: head(outputs[hub_api.POOLED_OUTPUT])}

    return hub_module.HubModule(predict, specs=specs, variables=encoder.variables + head.variables)


def _signatures(module: hub_module.HubModule, *, has_pooler: bool) -> dict[str, Any]:
    def signature(part: hub_module.HubModule, outputs: Sequence[str]) -> Any:
        absent = () if has_pooler else (hub_api.POOLED_OUTPUT,)
        return part.signature([name for name in outputs if name not in absent])

    signatures = {
        hub_api.SERVING_DEFAULT: signature(module, hub_api.ENCODER_SIGNATURE_OUTPUTS),
        hub_api.UNPADDED: signature(module.unpadded, hub_api.ENCODER_SIGNATURE_OUTPUTS),
    }
    if hasattr(module, hub_api.MLM):
        signatures[hub_api.MLM] = signature(module.mlm, hub_api.MLM_SIGNATURE_OUTPUTS)
    if hasattr(module, hub_api.SOP):
        signatures[hub_api.SOP] = signature(module.sop, hub_api.SOP_SIGNATURE_OUTPUTS)
    return signatures
