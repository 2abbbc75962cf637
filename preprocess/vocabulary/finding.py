"""Finds the tokenizer that lies beside weights, by what the files hold, without TensorFlow.

    found = finding.beside("checkpoint")
    found.vocabulary    # for the asset, and for the tokenizations "hub" and "original"
    found.hugging_face  # for the tokenization "huggingface"

Where several lie there, `tokenizer.json` decides, as in transformers' AutoTokenizer; then a
SentencePiece model, then a WordPiece vocabulary.
"""

import dataclasses
import os
from collections.abc import Mapping

from configs import errors
from preprocess.vocabulary import (
    hugging_face,
    json_files,
    sentencepiece_model,
    special_names,
    tokenizer_config,
    tokenizer_json,
    vocabularies,
)

_TOKENIZER = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_KERAS_HUB = os.path.join("assets", "tokenizer", "vocabulary.spm")
# By the names that releases give them; then any other single file with such an ending.
_SP_MODELS = ("spiece.model", "30k-clean.model", _KERAS_HUB)
_SP_ENDINGS = (".model", ".spm")
_WORDPIECES = ("vocab.txt", "vocab_chinese.txt")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundTokenizer:
    """The tokenizer beside weights.

    Attributes:
      path: the file that decides.
      vocabulary: the model or vocabulary for the encoder's asset.
      hugging_face: the steps of Hugging Face's libraries.
      lower_case: whether text is lower-cased, as the files say; None if they do not.
      keep_accents: whether accents are kept, as the files say; None if they do not.
      messages: one sentence for each thing that was guessed or that a user should know, whatever
        the tokenization; `hugging_face.notes` has more for that one.
    """

    path: str
    vocabulary: vocabularies.Vocabulary
    hugging_face: hugging_face.HuggingFaceTokenizer
    lower_case: bool | None
    keep_accents: bool | None
    messages: tuple[str, ...]


def beside(directory: str, *, names: Mapping[str, str] | None = None) -> FoundTokenizer | None:
    """Returns the tokenizer in a directory; None if there is none.

    Args:
      directory: where the weights lie.
      names: of special tokens by role, see `special_names`, instead of those in the files.

    Raises:
      errors.VocabularyError: the file that decides is not valid, or there are several
        SentencePiece models and none has a usual name.
    """
    given = special_names.beside(directory) if names is None else names
    path = os.path.join(directory, _TOKENIZER)
    if os.path.isfile(path):
        sp_model = _sp_model(directory)
        content = None
        if sp_model is not None:
            with open(sp_model, "rb") as file:
                content = file.read()
        tokenizer = tokenizer_json.read(path, names=given, sp_model=content)
        messages = (*tokenizer.notes, *_asset(tokenizer, sp_model))
        return _found(path, tokenizer, says_settings=True, messages=messages)
    if (path_or_none := _sp_model(directory)) is not None:
        tokenizer = tokenizer_config.read_sentencepiece(path_or_none, names=given)
        return _from_vocabulary(path_or_none, tokenizer)
    for path in (os.path.join(directory, name) for name in _WORDPIECES):
        if os.path.isfile(path):
            return _from_vocabulary(path, tokenizer_config.read_wordpiece(path, names=given))
    return None


def _from_vocabulary(path: str, tokenizer: hugging_face.HuggingFaceTokenizer) -> FoundTokenizer:
    config = os.path.join(os.path.dirname(path), _CONFIG)
    says_settings = os.path.isfile(config) and "do_lower_case" in json_files.read(config)
    notes = getattr(tokenizer.model.vocabulary, "notes", ())
    name = os.path.basename(path)
    guess = f"no {_CONFIG} beside {name} says whether text is lower-cased"
    messages = notes if says_settings else (*notes, guess)
    return _found(path, tokenizer, says_settings=says_settings, messages=messages)


def _found(
    path: str,
    tokenizer: hugging_face.HuggingFaceTokenizer,
    *,
    says_settings: bool,
    messages: tuple[str, ...],
) -> FoundTokenizer:
    return FoundTokenizer(
        path=path,
        vocabulary=tokenizer.model.vocabulary,
        hugging_face=tokenizer,
        lower_case=tokenizer.lower_case if says_settings else None,
        keep_accents=tokenizer.keep_accents if says_settings else None,
        messages=messages,
    )


def _asset(tokenizer: hugging_face.HuggingFaceTokenizer, sp_model: str | None) -> tuple[str, ...]:
    """Returns what is to be said of a SentencePiece model beside a tokenizer.json."""
    vocabulary = tokenizer.model.vocabulary
    if sp_model is None or not isinstance(vocabulary, sentencepiece_model.SentencePieceModel):
        return ()
    if sentencepiece_model.read(sp_model).file_sha256 == vocabulary.file_sha256:
        return ()
    name = os.path.basename(sp_model)
    return (f"{name} has other pieces or scores than {_TOKENIZER}, which decides",)


def _sp_model(directory: str) -> str | None:
    """Returns the SentencePiece model in a directory."""
    usual = [os.path.join(directory, name) for name in _SP_MODELS]
    for path in usual:
        if os.path.isfile(path):
            return path
    others = sorted(
        entry.path
        for entry in os.scandir(directory)
        if entry.is_file() and entry.name.endswith(_SP_ENDINGS) and _is_sp_model(entry.path)
    )
    if len(others) > 1:
        listed = ", ".join(map(os.path.basename, others))
        raise errors.VocabularyError(
            f"{directory!r} has several SentencePiece models ({listed}); say which"
        )
    return others[0] if others else None


def _is_sp_model(path: str) -> bool:
    """Returns whether a file begins as a SentencePiece model does, with a piece."""
    with open(path, "rb") as file:
        start = file.read(4)
    # Field 1, of length L, begins with field 1 of the piece, a string: two lengths nested.
    return len(start) == 4 and start[0] == 0x0A and start[2] == 0x0A and start[3] < start[1]
