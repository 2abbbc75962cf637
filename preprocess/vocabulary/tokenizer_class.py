"""Finds out which class of transformers a tokenizer is of, without TensorFlow.

name, file = tokenizer_class.said("checkpoint")  # "BertTokenizer", "checkpoint/config.json"
"""

import os
from collections.abc import Sequence

from configs import errors
from preprocess.vocabulary import added_token_files, json_files

MODEL_CONFIG = "config.json"
ALBERT = ("AlbertTokenizer", "AlbertTokenizerFast")
# Those which transformers 4 and 5 both make of BERT's steps and of the same settings.
BERT = tuple(
    f"{name}Tokenizer{end}"
    for name in ("Bert", "DistilBert", "Electra", "LayoutLM", "Lxmert", "MobileBert", "SqueezeBert")
    for end in ("", "Fast")
)
_KEY = "tokenizer_class"


def said(directory: str, model_directories: Sequence[str] = ()) -> tuple[str | None, str]:
    """Returns the class that the files say, and the file that does; None if none does.

    As in transformers' AutoTokenizer, a `config.json` counts where the settings do not say.

    Args:
      directory: of the settings.
      model_directories: of the weights, if these lie elsewhere: their `config.json` comes first.

    Raises:
      errors.VocabularyError: a file cannot be read.
    """
    configs = [(folder, MODEL_CONFIG) for folder in (*model_directories, directory)]
    for folder, name in ((directory, added_token_files.CONFIG), *configs):
        if value := json_files.beside(folder, name).get(_KEY):
            return value, os.path.join(folder, name)
    return None, ""


def refusal(name: str | None, file: str, path: str, *, used_as: str) -> errors.VocabularyError:
    """Returns the error that a vocabulary is of another class than it can be used as.

    Args:
      name: the class that is said.
      file: says it.
      path: the vocabulary.
      used_as: the class that it can be used as.
    """
    return errors.VocabularyError(
        f"{file!r} is of a {name}, but {os.path.basename(path)} can only be used as {used_as} "
        f"does: set {_KEY} to {used_as} if its texts were split so, else export without a "
        "tokenizer, with --notokenizer"
    )
