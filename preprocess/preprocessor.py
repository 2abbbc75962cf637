"""Text to inputs of the encoder: the root object of the preprocessor artifact.

Example:
    tokenizer = engines.make(model, tokenization="hub", lower_case=True)
    preprocess = preprocessor.Preprocessor(tokenizer, default_seq_length=128)
    preprocess(tf.constant(["Hello TensorFlow!"]))["input_word_ids"]  # int32 [B, 128]

The API is TF Hub's: https://www.tensorflow.org/hub/common_saved_model_apis/text
"""

import tensorflow as tf

from preprocess.steps import mask_lm, pack_inputs, split_windows, tokenize
from preprocess.tokenizers import truncation


class Preprocessor(tf.Module):
    """Turns sentences into packed inputs; its steps are attributes.

    Attributes:
      tokenize: sentences to ids.
      tokenize_with_offsets: sentences to ids and offsets.
      bert_pack_inputs: ids to packed inputs.
      split_windows: ids of long documents to packed inputs.
      mask_lm: packed inputs to masked inputs and labels.
    """

    def __init__(self, tokenizer: tokenize.Tokenizer, *, default_seq_length: int) -> None:
        """Makes the steps.

        Args:
          tokenizer: encodes the sentences.
          default_seq_length: length of the packed rows if the caller gives none.

        Raises:
          ValueError: `default_seq_length` is too small for one segment.
        """
        super().__init__()
        vocabulary = tokenizer.vocabulary
        self._engine = tokenizer  # exported graphs contain the attribute's name
        self._default_seq_length = default_seq_length
        self.tokenize = tokenize.Tokenize(tokenizer)
        self.tokenize_with_offsets = tokenize.TokenizeWithOffsets(tokenizer, tokenize=self.tokenize)
        self.bert_pack_inputs = pack_inputs.BertPackInputs(
            start_of_sequence_id=vocabulary.start_of_sequence_id,
            end_of_segment_id=vocabulary.end_of_segment_id,
            padding_id=vocabulary.padding_id,
            default_seq_length=default_seq_length,
        )
        self.split_windows = split_windows.SplitWindows(self.bert_pack_inputs)
        self.mask_lm = mask_lm.MaskLm(
            starts_word=tokenizer.starts_word,
            mask_id=vocabulary.mask_id,
            special_ids=list(tokenize.special_ids(vocabulary).values()),
        )

    @tf.function(input_signature=[tokenize.SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> pack_inputs.Packed:
        """Returns the packed inputs, int32 [B, default_seq_length] by name, of string [B]."""
        if self._engine.boundary is None:
            tokens = self.tokenize(sentences)
        else:
            tokens = truncation.encode_prefix(
                sentences,
                count=self._default_seq_length - 2,  # without [CLS] and [SEP]
                encode=self.tokenize,
                boundary=self._engine.boundary,
            )
        return self.bert_pack_inputs(tokens)
