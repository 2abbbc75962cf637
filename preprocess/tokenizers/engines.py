"""Chooses the tokenizer of a preprocessor.

engine = engines.make(sentencepiece_model.read(None), tokenization="hub", lower_case=True)
"""

from configs import tokenizations
from preprocess.normalization import original, tf_hub
from preprocess.steps import tokenize
from preprocess.tokenizers import (
    digit_comma,
    hugging_face_tokenizer,
    sentencepiece_tokenizer,
    wordpiece_tokenizer,
)
from preprocess.vocabulary import hugging_face, vocabularies, wordpiece_vocabulary


def make(
    vocabulary: vocabularies.Vocabulary | hugging_face.HuggingFaceTokenizer,
    *,
    tokenization: str,
    lower_case: bool | None = None,
    keep_accents: bool | None = None,
) -> tokenize.Tokenizer:
    """Returns a tokenizer around a vocabulary.

    Args:
      vocabulary: a SentencePiece model, a WordPiece vocabulary for BERT's tokenizer, or a
        description of a tokenizer of Hugging Face's libraries.
      tokenization: one of `tokenizations.SENTENCEPIECE`, "hub" for WordPiece; "huggingface" for a
        description, and for nothing else.
      lower_case: whether the vocabulary is uncased; a description says it itself.
      keep_accents: whether the vocabulary has accents; a description says it itself.

    Raises:
      ValueError: there is no such tokenization for the vocabulary, or a setting contradicts it.
    """
    if isinstance(vocabulary, hugging_face.HuggingFaceTokenizer):
        _check_settings(vocabulary, tokenization, lower_case, keep_accents)
        return hugging_face_tokenizer.HuggingFaceTokenizer(vocabulary)
    lower_case = lower_case is not False
    if isinstance(vocabulary, wordpiece_vocabulary.WordPieceVocabulary):
        if tokenization != tokenizations.HUB:
            raise ValueError(f"tokenization must be 'hub' for WordPiece, got {tokenization!r}")
        if keep_accents is lower_case:
            raise ValueError("keep_accents must be as `not lower_case` for WordPiece")
        return wordpiece_tokenizer.WordPieceTokenizer(vocabulary, lower_case=lower_case)
    keep_accents = keep_accents is True
    if tokenization == tokenizations.HUB:
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            vocabulary,
            normalize=tf_hub.TfHubNormalization(lower_case=lower_case, keep_accents=keep_accents),
        )
    if tokenization == tokenizations.ORIGINAL:
        return sentencepiece_tokenizer.SentencePieceTokenizer(
            vocabulary,
            normalize=original.OriginalNormalization(
                lower_case=lower_case, keep_accents=keep_accents
            ),
            resplit=digit_comma.DigitComma.from_model(vocabulary),
        )
    raise ValueError(
        f"tokenization must be one of {tokenizations.SENTENCEPIECE}, got {tokenization!r}"
    )


def _check_settings(
    tokenizer: hugging_face.HuggingFaceTokenizer,
    tokenization: str,
    lower_case: bool | None,
    keep_accents: bool | None,
) -> None:
    if tokenization != tokenizations.HUGGING_FACE:
        raise ValueError(
            f"tokenization must be 'huggingface' for this vocabulary, got {tokenization!r}"
        )
    for name, given, own in (
        ("lower_case", lower_case, tokenizer.lower_case),
        ("keep_accents", keep_accents, tokenizer.keep_accents),
    ):
        if given is not None and given != own:
            raise ValueError(f"{name} is {own} in {tokenizer.file_name}, got {given}")
