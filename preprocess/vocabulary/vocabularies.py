"""The vocabulary that a user gave: a SentencePiece model or a WordPiece vocabulary.

Example:
    vocabulary = vocabularies.read("30k-clean.model", vocab_file=None)
"""

from configs import errors
from preprocess.vocabulary import sentencepiece_model, wordpiece_vocabulary

Vocabulary = sentencepiece_model.SentencePieceModel | wordpiece_vocabulary.WordPieceVocabulary


def read(sp_model_file: str | None, *, vocab_file: str | None) -> Vocabulary:
    """Reads and checks a vocabulary, without TensorFlow.

    Args:
      sp_model_file: a SentencePiece model; None for the one that ships with the project, unless
        there is a `vocab_file`.
      vocab_file: a WordPiece vocabulary.

    Raises:
      errors.VocabularyError: there are two, or the one there is is not valid.
    """
    if vocab_file is None:
        return sentencepiece_model.read(sp_model_file)
    if sp_model_file is not None:
        raise errors.VocabularyError("give --sp_model_file or --vocab_file, not both")
    return wordpiece_vocabulary.read(vocab_file)
