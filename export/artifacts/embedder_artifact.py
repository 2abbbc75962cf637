"""Writes the embedder artifact: an encoder and its preprocessor in one graph, text to vectors.

Example:
    embedder_artifact.write("dir", spec=spec)
"""

from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from configs import hub_api
from export.artifacts import embedder_spec, hub_module, tokenizer_assets
from export.metadata import manifest
from export.saved_models import loading
from preprocess.tokenizers import truncation

# [CLS] and [SEP].
_NUM_SPECIAL_TOKENS = 2


def write(directory: str, *, spec: embedder_spec.EmbedderSpec) -> None:
    """Writes an embedder into `directory`, the root of the SavedModel."""
    manifests = spec.manifests()
    encoder = loading.load(spec.encoder_dir)
    preprocessor = loading.load(spec.preprocessor_dir)
    count = spec.length - _NUM_SPECIAL_TOKENS
    boundary = manifests[manifest.PREPROCESSOR].get("boundary")

    def embed(sentences: tf.Tensor, training: bool) -> tf.Tensor:
        if boundary is None:
            tokens = preprocessor.tokenize(sentences)
        else:
            tokens = truncation.encode_prefix(
                sentences, count=count, encode=preprocessor.tokenize, boundary=boundary
            )
        tokens = tokens[:, :count]  # int32 [B, (tokens)]
        # At least one token: a batch can be empty, and `bert_pack_inputs` needs length 3.
        longest = tf.reduce_max(tf.concat([tokens.row_lengths(), [1]], axis=0))
        seq_length = tf.cast(longest, tf.int32) + _NUM_SPECIAL_TOKENS
        packed = preprocessor.bert_pack_inputs([tokens], seq_length=seq_length)
        inputs = {name: packed[name] for name in hub_api.ENCODER_INPUTS}  # as in texts.py
        outputs = _encode(encoder, inputs, training)
        vectors = _pool(outputs, inputs[hub_api.INPUT_MASK], spec.pooling)  # [B, H]
        return tf.math.l2_normalize(vectors, axis=1) if spec.normalize else vectors

    spec_of_text = tf.TensorSpec([None], tf.string, name=hub_api.SENTENCES)
    module = hub_module.HubModule(embed, specs=spec_of_text, variables=list(encoder.variables))
    module.tokenize = preprocessor.tokenize  # tracks the SentencePiece model, which is used
    if not spec.belonging.differs:
        tokenizer_assets.pass_on(encoder, module)
    serve = module.signature([hub_api.DEFAULT])
    hub_module.save(module, directory, signatures={hub_api.SERVING_DEFAULT: serve})
    entries = {
        "made_from": manifests,
        "pooling": spec.pooling,
        "normalize": spec.normalize,
        "max_seq_length": spec.length,
        **({"other_tokenization": True} if spec.belonging.differs else {}),
    }
    manifest.write(directory, artifact=manifest.EMBEDDER, entries=entries)


def _encode(encoder: Any, inputs: dict[str, tf.Tensor], training: bool) -> dict[str, Any]:
    """Returns the outputs, with a `sequence_output` that is zero at padding."""
    if hasattr(encoder, hub_api.UNPADDED):
        return encoder.unpadded(inputs, training=training)
    outputs = encoder(inputs, training=training)  # TF Hub's
    mask = tf.cast(inputs[hub_api.INPUT_MASK], tf.float32)[:, :, tf.newaxis]
    return {**outputs, hub_api.SEQUENCE_OUTPUT: outputs[hub_api.SEQUENCE_OUTPUT] * mask}


def _pool(outputs: dict[str, Any], mask: tf.Tensor, pooling: str) -> tf.Tensor:
    """Returns one vector for each text, float32 [B, H]; `sequence_output` is zero at padding."""
    if pooling == "pooled":
        return outputs[hub_api.POOLED_OUTPUT]
    sequence_output = outputs[hub_api.SEQUENCE_OUTPUT]  # [B, S, H]
    if pooling == "first":
        return sequence_output[:, 0, :]
    count = tf.cast(tf.reduce_sum(mask, axis=1, keepdims=True), tf.float32)  # [B, 1]
    return tf.reduce_sum(sequence_output, axis=1) / count  # [B, H]
