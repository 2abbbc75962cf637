"""Makes the encoder artifact: the contract of TF Hub's `albert_en_*` models.

encoder_artifact.write("dir", config=config, sp_model=sp_model, seed=0, mlm=True,
                           compute_dtype="float32")
"""

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from configs import albert_config
from export import albert, heads, hub_api, initial_weights, manifest, saved_model
from preprocess import sentencepiece_model


def write(
    directory: str,
    *,
    config: albert_config.AlbertConfig,
    sp_model: sentencepiece_model.SentencePieceModel,
    seed: int,
    mlm: bool,
    compute_dtype: str,
) -> None:
    """Writes an encoder with random weights into `directory`.

    Args:
      directory: where the SavedModel goes.
      config: the hyper-parameters.
      sp_model: the tokenizer that belongs to the weights; becomes the asset `sp_model_file`.
      seed: of the NumPy generator that the weights come from.
      mlm: whether to make the subobject `.mlm` and its signature.
      compute_dtype: "float32" or "bfloat16", of activations and products.

    Raises:
      errors.VocabularyError: the tokenizer's size is not the config's `vocab_size`.
    """
    sp_model.check_vocab_size(config.vocab_size)
    encoder = albert.Encoder(config, compute_dtype=compute_dtype)
    mlm_head = heads.MaskedLanguageModel(encoder) if mlm else None
    variables = encoder.variables + (mlm_head.variables if mlm_head else [])
    initial_weights.fill(variables, initializer_range=config.initializer_range, seed=seed)
    module = _module(encoder, mlm_head, unpadded=False)
    module.unpadded = _module(encoder, mlm_head, unpadded=True)
    with tempfile.TemporaryDirectory() as assets:
        module.sp_model_file = _asset(sp_model, assets)
        saved_model.save(module, directory, signatures=_signatures(module))
    facts = {
        "config": dataclasses.asdict(config),
        "compute_dtype": compute_dtype,
        "weights": {"source": "untrained", "seed": seed},
        "tokenizer": {"file": sp_model.file_name, "sha256": sp_model.file_sha256},
    }
    manifest.write(directory, artifact="encoder", facts=facts)


def _module(
    encoder: albert.Encoder, mlm_head: heads.MaskedLanguageModel | None, *, unpadded: bool
) -> saved_model.HubModule:
    """Returns an encoder object, with its `.mlm` if there is the head."""

    def encode(inputs: Mapping[str, tf.Tensor], training: bool) -> dict[str, Any]:
        return encoder(inputs, training=training, unpadded=unpadded)

    module = saved_model.HubModule(
        encode, inputs=hub_api.ENCODER_INPUTS, variables=encoder.variables
    )
    if mlm_head:

        def predict(inputs: Mapping[str, tf.Tensor], training: bool) -> dict[str, Any]:
            outputs = encode(inputs, training)
            positions = inputs[hub_api.MASKED_LM_POSITIONS]
            logits = mlm_head(outputs[hub_api.SEQUENCE_OUTPUT], positions)
            return {**outputs, hub_api.MLM_LOGITS: logits}

        module.mlm = saved_model.HubModule(
            predict,
            inputs=hub_api.MLM_INPUTS,
            variables=encoder.variables + mlm_head.variables,
        )
    return module


def _signatures(module: saved_model.HubModule) -> dict[str, Any]:
    signatures = {
        hub_api.SERVING_DEFAULT: module.signature(hub_api.ENCODER_SIGNATURE_OUTPUTS),
        hub_api.UNPADDED: module.unpadded.signature(hub_api.ENCODER_SIGNATURE_OUTPUTS),
    }
    if hasattr(module, hub_api.MLM):
        signatures[hub_api.MLM] = module.mlm.signature(hub_api.MLM_SIGNATURE_OUTPUTS)
    return signatures


def _asset(
    sp_model: sentencepiece_model.SentencePieceModel, directory: str
) -> tf.saved_model.Asset:
    """Returns the SentencePiece model as an asset, without the paths of whoever trained it."""
    path = os.path.join(directory, sp_model.file_name)
    with open(path, "wb") as file:
        file.write(sp_model.proto)
    return tf.saved_model.Asset(path)
