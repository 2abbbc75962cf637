"""Runs SentencePiece in the graph, with the model stored once in a SavedModel.

Example:
    op = sentencepiece_op.SentencePieceOp(model.proto)
    ids = op.encode(normalized)  # RaggedTensor, int32 [B, (tokens)]

`text.SentencepieceTokenizer` has the model in a node that is traced twice, so its SavedModel
contains the 0.8 MB twice. Here one function creates the resource, and all others call it.
"""

import tensorflow as tf

# Registers the kernels. Only the generated wrappers of the ops are used, because the classes of
# tensorflow_text cannot share one model.
from tensorflow_text.python.ops import sentencepiece_tokenizer

_ops = sentencepiece_tokenizer.gen_sentencepiece_tokenizer


class _Model(tf.saved_model.experimental.TrackableResource):
    """The kernel's resource: the parsed model."""

    def __init__(self, proto: bytes) -> None:
        super().__init__()

        @tf.function(input_signature=[], autograph=False)
        def create() -> tf.Tensor:
            return _ops.sentencepiece_op(model=proto)

        # Traced once. The saver traces `_create_resource` again, which then contains only a call.
        self._create = create.get_concrete_function()
        _ = self.resource_handle  # creates the resource

    def _create_resource(self) -> tf.Tensor:
        return self._create()


class SentencePieceOp(tf.Module):
    """Encodes and decodes strings with a SentencePiece model, without sampling."""

    def __init__(self, proto: bytes) -> None:
        """Loads `proto`, a serialized SentencePiece `ModelProto`."""
        super().__init__()
        self._model = _Model(proto)

    def encode(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""
        ids, splits = _ops.sentencepiece_tokenize_op(
            self._model.resource_handle, strings, **_PLAIN, out_type=tf.int32
        )
        return _ragged(ids, splits)

    def encode_with_offsets(
        self, strings: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Returns ids int32 and byte offsets int64 of the pieces' starts and limits in `strings`.

        All are [B, (tokens)]; the ids are those of `encode`.
        """
        ids, splits, starts, limits = _ops.sentencepiece_tokenize_with_offsets_op(
            self._model.resource_handle, strings, **_PLAIN, out_type=tf.int32
        )
        return _ragged(ids, splits), _ragged(starts, splits), _ragged(limits, splits)

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the text, string [B], of int32 ids [B, (tokens)]."""
        return _ops.sentencepiece_detokenize_op(
            self._model.resource_handle, ids.values, ids.row_splits, **_NO_EXTRAS
        )


_NO_EXTRAS = {"add_bos": False, "add_eos": False, "reverse": False}
# The best segmentation, not a sampled one.
_PLAIN = {"nbest_size": 0, "alpha": 1.0, **_NO_EXTRAS}


def _ragged(values: tf.Tensor, splits: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_splits(values, splits, validate=False)
