"""The text normalization of TF Hub's ALBERT preprocessor, in the graph.

The published preprocessor does not follow the original's `preprocess_text` to the letter; this does
what TF Hub's does, operation by operation, so that it gives the same ids:

    normalized = normalization.hub(sentences, lower_case=True)
"""

import tensorflow as tf
import tensorflow_text as text


def hub(sentences: tf.Tensor, *, lower_case: bool) -> tf.Tensor:
    """Decomposes, removes nonspacing marks, and folds case.

    The case folding is ICU's NFKC_Casefold: it also replaces compatibility characters and removes
    the default-ignorable ones, such as zero-width joiners. Marks are removed for cased vocabularies
    too, as in TensorFlow Model Garden's `export_tfhub_lib.create_preprocessing`.

    Args:
      sentences: string [B], UTF-8. Invalid bytes become U+FFFD.
      lower_case: whether to fold case.

    Returns:
      string [B].
    """
    decomposed = text.normalize_utf8(sentences, "NFD")
    stripped = tf.strings.regex_replace(decomposed, r"\p{Mn}", "")
    return text.case_fold_utf8(stripped) if lower_case else stripped
