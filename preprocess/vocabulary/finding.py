"""Finds the tokenizer that lies beside weights, by what the files hold, without TensorFlow.

    found = finding.beside("checkpoint")
    found.vocabulary    # for the asset, and for the tokenizations "hub" and "original"
    found.hugging_face  # for the tokenization "huggingface"

Where several lie there, `tokenizer.json` decides, as in transformers' AutoTokenizer; then a
SentencePiece model, then a WordPiece vocabulary.
"""

import dataclasses
import fnmatch
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence

from configs import errors, strangers_files
from preprocess.vocabulary import (
    hugging_face,
    json_files,
    sentencepiece_model,
    special_names,
    tokenizer_config,
    tokenizer_json,
    tokenizer_json_sidecars,
    truncation_side,
    vocabularies,
)

TOKENIZER = "tokenizer.json"
_KERAS_HUB = os.path.join("assets", "tokenizer", "vocabulary.spm")
# By the names that releases give them; then any other single file of such a name.
_SP_MODELS = ("spiece.model", "30k-clean.model", _KERAS_HUB)
_SP_PATTERNS = ("*.model", "*.spm")
_WORDPIECES = ("vocab.txt", "vocab_chinese.txt")
_WORDPIECE_PATTERN = "vocab*.txt"
# What to fetch where only named files are: all that is looked for here, and all that it is read by.
FILES = (
    TOKENIZER,
    *(*_SP_MODELS, *_SP_PATTERNS),
    _WORDPIECE_PATTERN,
    *tokenizer_config.FILES,
)
_WITHOUT_TYPES = (
    f"model_input_names of {tokenizer_config.CONFIG} lacks token_type_ids: transformers then gives "
    "the second of two texts type 0, here it has type 1, as in TF Hub's preprocessors"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundTokenizer:
    """The tokenizer beside weights.

    Attributes:
      path: the file that decides.
      vocabulary: the model or vocabulary for the encoder's asset.
      hugging_face: the steps of Hugging Face's libraries.
      tokenization: what `tokenizer_config.to_json` recorded; None if nothing did.
      lower_case: whether text is lower-cased, as the files say; None if they do not.
      keep_accents: whether accents are kept, as the files say; None if they do not.
      has_types: whether transformers gives the second of two texts type 1, not 0 as the first.
      messages: one sentence for each thing that was guessed or that a user should know, whatever
        the tokenization; `hugging_face.notes` has more for that one.
    """

    path: str
    vocabulary: vocabularies.Vocabulary
    hugging_face: hugging_face.HuggingFaceTokenizer
    tokenization: str | None
    lower_case: bool | None
    keep_accents: bool | None
    has_types: bool
    messages: tuple[str, ...]


def beside(directory: str, *, names: Mapping[str, str] | None = None) -> FoundTokenizer | None:
    """Returns the tokenizer in a directory; None if there is none.

    Args:
      directory: where the weights lie.
      names: of special tokens by role, see `special_names`, instead of those in the files.

    Raises:
      errors.VocabularyError: the file that decides is not valid, or contradicts what lies beside
        it, or there are several SentencePiece models that differ.
    """
    with strangers_files.reading(
        f"the tokenizer in {directory!r}", error_type=errors.VocabularyError
    ):
        return _beside(directory, names)


def _beside(directory: str, names: Mapping[str, str] | None) -> FoundTokenizer | None:
    given = special_names.beside(directory) if names is None else names
    path = os.path.join(directory, TOKENIZER)
    if os.path.isfile(path):
        sp_model = _sp_model(directory)
        content = None
        if sp_model is not None:
            with open(sp_model, "rb") as file:
                content = file.read()
        tokenizer = tokenizer_json.read(path, names=given, sp_model=content)
        beside_it = tokenizer_json_sidecars.check(directory, tokenizer, names=names)
        messages = (*tokenizer.notes, *_asset(tokenizer, sp_model), *beside_it)
        return _found(path, tokenizer, messages=messages)
    if (sp_model := _sp_model(directory)) is not None:
        return at(sp_model, names=given, is_wordpiece=False)
    wordpieces = _one_of(directory, _WORDPIECES, (_WORDPIECE_PATTERN,), flag="--vocab_file")
    return at(wordpieces, names=given, is_wordpiece=True) if wordpieces is not None else None


def at(
    path: str,
    *,
    is_wordpiece: bool,
    names: Mapping[str, str] | None = None,
    directory: str | None = None,
) -> FoundTokenizer:
    """Returns the tokenizer that a SentencePiece model or a WordPiece vocabulary is.

    Args:
      path: the file.
      is_wordpiece: whether it is a WordPiece vocabulary.
      names: of special tokens by role, instead of those in the files beside.
      directory: of the settings; None for the file's.

    Raises:
      errors.VocabularyError: a file is not valid.
    """
    read = tokenizer_config.read_wordpiece if is_wordpiece else tokenizer_config.read_sentencepiece
    tokenizer = read(path, names=names, directory=directory)
    notes = getattr(tokenizer.model.vocabulary, "notes", ())
    return _found(path, tokenizer, messages=notes, directory=directory)


def _found(
    path: str,
    tokenizer: hugging_face.HuggingFaceTokenizer,
    *,
    messages: tuple[str, ...],
    directory: str | None = None,
) -> FoundTokenizer:
    directory = directory or os.path.dirname(path)
    settings = json_files.beside(directory, tokenizer_config.CONFIG)
    if left := truncation_side.left(directory):
        name = os.path.basename(left)
        messages += (f"long texts are cut on the right, though {name} says on the left",)
    is_said = os.path.basename(path) == TOKENIZER or "do_lower_case" in settings
    has_types = tokenizer_config.has_types(settings)
    return FoundTokenizer(
        path=path,
        vocabulary=tokenizer.model.vocabulary,
        hugging_face=tokenizer,
        tokenization=tokenizer_config.tokenization(settings),
        lower_case=tokenizer.lower_case if is_said else None,
        keep_accents=tokenizer.keep_accents if is_said else None,
        has_types=has_types,
        messages=messages if has_types else (*messages, _WITHOUT_TYPES),
    )


def _asset(tokenizer: hugging_face.HuggingFaceTokenizer, sp_model: str | None) -> tuple[str, ...]:
    """Returns what is to be said of a SentencePiece model beside a tokenizer.json."""
    vocabulary = tokenizer.model.vocabulary
    if sp_model is None or not isinstance(vocabulary, sentencepiece_model.SentencePieceModel):
        return ()
    if _sha256(sp_model) == vocabulary.file_sha256:
        return ()
    name = os.path.basename(sp_model)
    return (f"{name} has other pieces or scores than {TOKENIZER}, which decides",)


def _sp_model(directory: str) -> str | None:
    """Returns the SentencePiece model in a directory."""
    return _one_of(
        directory, _SP_MODELS, _SP_PATTERNS, flag="--sp_model_file", is_right=_is_sp_model
    )


def _one_of(
    directory: str,
    usual: Sequence[str],
    patterns: Sequence[str],
    *,
    flag: str,
    is_right: Callable[[str], bool] = lambda path: True,
) -> str | None:
    """Returns the file of a usual name, or the only one of another name that fits."""
    paths = [os.path.join(directory, name) for name in usual]
    found = [path for path in paths if os.path.isfile(path)] or sorted(
        entry.path
        for entry in os.scandir(directory)
        if entry.is_file()
        and any(fnmatch.fnmatch(entry.name, pattern) for pattern in patterns)
        and is_right(entry.path)
    )
    if len({_sha256(path) for path in found}) > 1:
        listed = ", ".join(map(os.path.basename, found))
        raise errors.VocabularyError(
            f"{directory!r} has several vocabularies that differ ({listed}); say which with {flag}"
        )
    return found[0] if found else None


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _is_sp_model(path: str) -> bool:
    """Returns whether a file begins as a SentencePiece model does, with a piece."""
    with open(path, "rb") as file:
        start = file.read(4)
    # Field 1, of length L, begins with field 1 of the piece, a string: two lengths nested.
    return len(start) == 4 and start[0] == 0x0A and start[2] == 0x0A and start[3] < start[1]
