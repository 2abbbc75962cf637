"""Text to inputs of the encoder: the root object of the preprocessor artifact.

    model = sentencepiece_model.read(None)
    preprocess = preprocessor.Preprocessor(model, lower_case=True, default_seq_length=128)
    preprocess(tf.constant(["Hello TensorFlow!"]))["input_word_ids"]  # int32 [B, 128]

The API is TF Hub's: https://www.tensorflow.org/hub/common_saved_model_apis/text
"""

import tensorflow as tf

from preprocess import packing, sentencepiece_model, tokenizer

_SENTENCES = tf.TensorSpec([None], tf.string, "sentences")


class Preprocessor(tf.Module):
    """A callable from sentences to packed inputs, with its steps as attributes.

    Attributes:
      tokenize: sentences to ids, a `tokenizer.Tokenizer`.
      bert_pack_inputs: ids to packed inputs, a `packing.BertPackInputs`.
    """

    def __init__(
        self,
        model: sentencepiece_model.SentencePieceModel,
        *,
        lower_case: bool,
        default_seq_length: int,
    ) -> None:
        """Makes the steps.

        Args:
          model: the vocabulary.
          lower_case: whether the vocabulary is uncased.
          default_seq_length: length of the packed rows where the caller gives none.

        Raises:
          ValueError: `default_seq_length` is too small for one segment.
        """
        super().__init__()
        self.tokenize = tokenizer.Tokenizer(model, lower_case=lower_case)
        self.bert_pack_inputs = packing.BertPackInputs(
            start_of_sequence_id=model.start_of_sequence_id,
            end_of_segment_id=model.end_of_segment_id,
            padding_id=model.padding_id,
            default_seq_length=default_seq_length,
        )

    @tf.function(input_signature=[_SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> packing.Packed:
        """Returns the packed inputs, int32 [B, default_seq_length] by name, of string [B]."""
        return self.bert_pack_inputs(self.tokenize(sentences))
