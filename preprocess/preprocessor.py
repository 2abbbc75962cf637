"""Text to inputs of the encoder: the root object of the preprocessor artifact.

Example:
    engine = engines.make(model, tokenization="hub", lower_case=True)
    preprocess = preprocessor.Preprocessor(engine, default_seq_length=128)
    preprocess(tf.constant(["Hello TensorFlow!"]))["input_word_ids"]  # int32 [B, 128]

The API is TF Hub's: https://www.tensorflow.org/hub/common_saved_model_apis/text
"""

import tensorflow as tf

from preprocess.steps import mask_lm, pack_inputs, split_windows, tokenize
from preprocess.tokenizers import truncation


class Preprocessor(tf.Module):
    """A callable from sentences to packed inputs, with its steps as attributes.

    Attributes:
      tokenize: sentences to ids, a `tokenizer.Tokenize`.
      tokenize_with_offsets: sentences to ids and offsets, a `tokenizer.TokenizeWithOffsets`.
      bert_pack_inputs: ids to packed inputs, a `packing.BertPackInputs`.
      split_windows: ids of long documents to packed inputs, a `windows.SplitWindows`.
      mask_lm: packed inputs to masked inputs and labels, a `masking.MaskLm`.
    """

    def __init__(self, engine: tokenize.Engine, *, default_seq_length: int) -> None:
        """Makes the steps.

        Args:
          engine: tokenizes.
          default_seq_length: length of the packed rows where the caller gives none.

        Raises:
          ValueError: `default_seq_length` is too small for one segment.
        """
        super().__init__()
        vocabulary = engine.vocabulary
        self._engine = engine
        self._default_seq_length = default_seq_length
        self.tokenize = tokenize.Tokenize(engine)
        self.tokenize_with_offsets = tokenize.TokenizeWithOffsets(engine, tokenize=self.tokenize)
        self.bert_pack_inputs = pack_inputs.BertPackInputs(
            start_of_sequence_id=vocabulary.start_of_sequence_id,
            end_of_segment_id=vocabulary.end_of_segment_id,
            padding_id=vocabulary.padding_id,
            default_seq_length=default_seq_length,
        )
        self.split_windows = split_windows.SplitWindows(self.bert_pack_inputs)
        self.mask_lm = mask_lm.MaskLm(
            starts_word=engine.starts_word,
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
