"""The tokenizers that a preprocessor can be made around.

engine = engines.make(sentencepiece_model.read(None), tokenization="hub", lower_case=True)
"""

from preprocess import (
    digit_comma,
    hub_normalization,
    original_normalization,
    sentencepiece_tokenizer,
    tokenizations,
    tokenizer,
    vocabularies,
    word_piece_tokenizer,
    word_piece_vocabulary,
)


def make(
    vocabulary: vocabularies.Vocabulary,
    *,
    tokenization: str,
    lower_case: bool,
) -> tokenizer.Engine:
    """Returns a tokenizer around a vocabulary.

    Args:
      vocabulary: a SentencePiece model, or a WordPiece vocabulary for BERT's tokenizer.
      tokenization: one of `tokenizations.ALL`; "hub" for WordPiece.
      lower_case: whether the vocabulary is uncased.

    Raises:
      ValueError: there is no such tokenization for the vocabulary.
    """
    if isinstance(vocabulary, word_piece_vocabulary.WordPieceVocabulary):
        if tokenization != tokenizations.HUB:
            raise ValueError(f"tokenization must be 'hub' for WordPiece, got {tokenization!r}")
        return word_piece_tokenizer.WordPieceTokenizer(vocabulary, lower_case=lower_case)
    if tokenization == tokenizations.HUB:
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            vocabulary, normalize=hub_normalization.HubNormalization(lower_case=lower_case)
        )
    if tokenization == tokenizations.ORIGINAL:
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            vocabulary,
            normalize=original_normalization.OriginalNormalization(lower_case=lower_case),
            resplit=digit_comma.DigitComma.of(vocabulary),
        )
    raise ValueError(f"tokenization must be one of {tokenizations.ALL}, got {tokenization!r}")
