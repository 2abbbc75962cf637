"""The tokenizers that a preprocessor can be made around.

engine = engines.sentencepiece(model, tokenization="hub", lower_case=True)
"""

from preprocess import (
    digit_comma,
    hub_normalization,
    original_normalization,
    sentencepiece_model,
    sentencepiece_tokenizer,
    tokenizer,
)

TOKENIZATIONS = ("hub", "original")


def sentencepiece(
    model: sentencepiece_model.SentencePieceModel, *, tokenization: str, lower_case: bool
) -> tokenizer.Engine:
    """Returns a tokenizer around a SentencePiece model.

    Args:
      model: the vocabulary.
      tokenization: "hub" for TF Hub's, "original" for google-research/albert's.
      lower_case: whether the vocabulary is uncased.

    Raises:
      ValueError: `tokenization` is neither.
    """
    if tokenization == "hub":
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            model, normalize=hub_normalization.HubNormalization(lower_case=lower_case)
        )
    if tokenization == "original":
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            model,
            normalize=original_normalization.OriginalNormalization(lower_case=lower_case),
            resplit=digit_comma.DigitComma.of(model),
        )
    raise ValueError(f"tokenization must be one of {TOKENIZATIONS}, got {tokenization!r}")
