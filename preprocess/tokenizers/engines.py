"""Chooses the tokenizer of a preprocessor.

engine = engines.make(sentencepiece_model.read(None), tokenization="hub", lower_case=True)
"""

from preprocess.normalization import original, tf_hub
from preprocess.steps import tokenize
from preprocess.tokenizers import (
    digit_comma,
    sentencepiece_tokenizer,
    tokenizations,
    wordpiece_tokenizer,
)
from preprocess.vocabulary import vocabularies, wordpiece_vocabulary


def make(
    vocabulary: vocabularies.Vocabulary,
    *,
    tokenization: str,
    lower_case: bool,
) -> tokenize.Tokenizer:
    """Returns a tokenizer around a vocabulary.

    Args:
      vocabulary: a SentencePiece model, or a WordPiece vocabulary for BERT's tokenizer.
      tokenization: one of `tokenizations.ALL`; "hub" for WordPiece.
      lower_case: whether the vocabulary is uncased.

    Raises:
      ValueError: there is no such tokenization for the vocabulary.
    """
    if isinstance(vocabulary, wordpiece_vocabulary.WordPieceVocabulary):
        if tokenization != tokenizations.HUB:
            raise ValueError(f"tokenization must be 'hub' for WordPiece, got {tokenization!r}")
        return wordpiece_tokenizer.WordPieceTokenizer(vocabulary, lower_case=lower_case)
    if tokenization == tokenizations.HUB:
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            vocabulary, normalize=tf_hub.TfHubNormalization(lower_case=lower_case)
        )
    if tokenization == tokenizations.ORIGINAL:
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            vocabulary,
            normalize=original.OriginalNormalization(lower_case=lower_case),
            resplit=digit_comma.DigitComma.from_model(vocabulary),
        )
    raise ValueError(f"tokenization must be one of {tokenizations.ALL}, got {tokenization!r}")
