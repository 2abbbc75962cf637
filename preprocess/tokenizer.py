"""Strings to ids: the `tokenize` object of the preprocessor.

tokenize = tokenizer.Tokenizer(sentencepiece_model.read(None), lower_case=True)
ids = tokenize(tf.constant(["Hello TensorFlow!"]))  # RaggedTensor, int32 [B, (tokens)]
"""

import tensorflow as tf

from preprocess import normalization, sentencepiece_model, sentencepiece_op


class Tokenizer(tf.Module):
    """A callable that normalizes text and segments it with SentencePiece."""

    def __init__(self, model: sentencepiece_model.SentencePieceModel, *, lower_case: bool) -> None:
        """Loads the model into the graph's resource.

        Args:
          model: the vocabulary.
          lower_case: whether the vocabulary is uncased.
        """
        super().__init__()
        self._lower_case = lower_case
        self._pieces = sentencepiece_op.SentencePieceOp(model.proto)
        self._special_tokens = {
            "padding_id": model.padding_id,
            "start_of_sequence_id": model.start_of_sequence_id,
            "end_of_segment_id": model.end_of_segment_id,
            "mask_id": model.mask_id,
            "vocab_size": model.vocab_size,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "sentences")], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], of string [B], without special tokens."""
        return self._pieces.encode(normalization.hub(sentences, lower_case=self._lower_case))

    @tf.function(input_signature=[], autograph=False)
    def get_special_tokens_dict(self) -> dict[str, tf.Tensor]:
        """Returns int32 scalars by the names of TF Hub's preprocessor API.

        `padding_id`, `start_of_sequence_id`, `end_of_segment_id`, `mask_id` and `vocab_size`.
        """
        return {name: tf.constant(value, tf.int32) for name, value in self._special_tokens.items()}
