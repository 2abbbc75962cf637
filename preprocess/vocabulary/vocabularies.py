"""Reads the vocabulary that the user gave: a SentencePiece model or a WordPiece vocabulary.

Example:
    vocabulary = vocabularies.read("30k-clean.model", vocab_file=None)
"""

from configs import errors
from preprocess.vocabulary import sentencepiece_model, wordpiece_vocabulary

Vocabulary = sentencepiece_model.SentencePieceModel | wordpiece_vocabulary.WordPieceVocabulary


def read(sp_model_file: str | None, *, vocab_file: str | None) -> Vocabulary:
    """Reads and checks a vocabulary, without TensorFlow.

    Args:
      sp_model_file: path of a SentencePiece model.
      vocab_file: path of a WordPiece vocabulary. If both are None, the SentencePiece model that
        ships with the project is read.

    Raises:
      errors.VocabularyError: both are given, or the file is not valid.
    """
    if vocab_file is None:
        return sentencepiece_model.read(sp_model_file)
    if sp_model_file is not None:
        raise errors.VocabularyError("give --sp_model_file or --vocab_file, not both")
    return wordpiece_vocabulary.read(vocab_file)
