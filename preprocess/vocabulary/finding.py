"""Finds the tokenizer that lies beside weights, by what the files hold, without TensorFlow.

    found = finding.beside("checkpoint")
    found.vocabulary    # for the asset, and for the tokenizations "hub" and "original"
    found.hugging_face  # for the tokenization "huggingface"

Where several lie there, `tokenizer.json` decides, as in transformers' AutoTokenizer; then the file
that the tokenizer's class reads; then a SentencePiece model, then a WordPiece vocabulary. Others
that do not have the same pieces are among the messages.
"""

import dataclasses
import fnmatch
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from configs import errors, strangers_files
from preprocess.vocabulary import (
    hugging_face,
    json_files,
    sentencepiece_model,
    special_names,
    tokenizer_class,
    tokenizer_config,
    tokenizer_json,
    tokenizer_json_sidecars,
    truncation_side,
    vocabularies,
    wordpiece_vocabulary,
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
    sp_models = _files(directory, _SP_MODELS, _SP_PATTERNS, is_right=_is_sp_model)
    wordpieces = _files(directory, _WORDPIECES, (_WORDPIECE_PATTERN,))
    found = _deciding(directory, names, sp_models, wordpieces)
    if found is None:
        return None
    unlike = [
        *_unlike(found, sp_models, is_wordpiece=False),
        *_unlike(found, wordpieces, is_wordpiece=True),
    ]
    return dataclasses.replace(found, messages=(*found.messages, *unlike))


def _deciding(
    directory: str,
    names: Mapping[str, str] | None,
    sp_models: Sequence[str],
    wordpieces: Sequence[str],
) -> FoundTokenizer | None:
    """Returns the tokenizer of the file that decides; None if there is none."""
    given = special_names.beside(directory) if names is None else names
    path = os.path.join(directory, TOKENIZER)
    if os.path.isfile(path):
        content = None
        if sp_models:
            with open(_only(sp_models, flag="--sp_model_file"), "rb") as file:
                content = file.read()
        tokenizer = tokenizer_json.read(path, names=given, sp_model=content)
        beside_it = tokenizer_json_sidecars.check(directory, tokenizer, names=names)
        return _found(path, tokenizer, messages=(*tokenizer.notes, *beside_it))
    is_bert = tokenizer_class.said(directory)[0] in tokenizer_class.BERT
    is_wordpiece = bool(wordpieces) and (is_bert or not sp_models)
    paths, flag = (wordpieces, "--vocab_file") if is_wordpiece else (sp_models, "--sp_model_file")
    return at(_only(paths, flag=flag), names=given, is_wordpiece=is_wordpiece) if paths else None


def at(
    path: str,
    *,
    is_wordpiece: bool,
    names: Mapping[str, str] | None = None,
    directory: str | None = None,
    model_directories: Sequence[str] = (),
) -> FoundTokenizer:
    """Returns the tokenizer that a SentencePiece model or a WordPiece vocabulary is.

    Args:
      path: the file.
      is_wordpiece: whether it is a WordPiece vocabulary.
      names: of special tokens by role, instead of those in the files beside.
      directory: of the settings; None for the file's.
      model_directories: of the weights, see `tokenizer_class.said`.

    Raises:
      errors.VocabularyError: a file is not valid.
    """
    read = tokenizer_config.read_wordpiece if is_wordpiece else tokenizer_config.read_sentencepiece
    tokenizer = read(path, names=names, directory=directory, model_directories=model_directories)
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


def _unlike(found: FoundTokenizer, others: Sequence[str], *, is_wordpiece: bool) -> Iterator[str]:
    """Yields what is to be said of vocabularies beside the file that decides."""
    pieces = wordpiece_vocabulary.pieces if is_wordpiece else sentencepiece_model.pieces
    is_scored = not is_wordpiece and isinstance(
        found.vocabulary, sentencepiece_model.SentencePieceModel
    )
    for path in others:
        is_same = _sha256(path) == found.vocabulary.file_sha256
        if not (is_same or (not is_scored and _has_pieces(found.hugging_face, path, pieces))):
            what = "pieces or scores" if is_scored else "pieces"
            decides = os.path.basename(found.path)
            yield f"{os.path.basename(path)} has other {what} than {decides}, which decides"


def _has_pieces(
    tokenizer: hugging_face.HuggingFaceTokenizer,
    path: str,
    read: Callable[[str], tuple[str, ...]],
) -> bool:
    """Returns whether a file has a tokenizer's pieces; it may lack added tokens behind them."""
    try:
        pieces = read(path)
    except errors.VocabularyError:  # a file that does not decide need not be a valid one
        return False
    own, behind = tokenizer.pieces[: len(pieces)], tokenizer.pieces[len(pieces) :]
    return pieces == own and {token.content for token in tokenizer.added_tokens}.issuperset(behind)


def _files(
    directory: str,
    usual: Sequence[str],
    patterns: Sequence[str],
    *,
    is_right: Callable[[str], bool] = lambda path: True,
) -> list[str]:
    """Returns the files of usual names, or those of other names that fit."""
    paths = [os.path.join(directory, name) for name in usual]
    return [path for path in paths if os.path.isfile(path)] or sorted(
        entry.path
        for entry in os.scandir(directory)
        if entry.is_file()
        and any(fnmatch.fnmatch(entry.name, pattern) for pattern in patterns)
        and is_right(entry.path)
    )


def _only(paths: Sequence[str], *, flag: str) -> str:
    """Returns the first of files, which have to be equal."""
    if len({_sha256(path) for path in paths}) > 1:
        listed = ", ".join(map(os.path.basename, paths))
        raise errors.VocabularyError(
            f"{os.path.dirname(paths[0])!r} has several vocabularies that differ ({listed}); say "
            f"which with {flag}"
        )
    return paths[0]


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _is_sp_model(path: str) -> bool:
    """Returns whether a file begins as a SentencePiece model does, with a piece."""
    with open(path, "rb") as file:
        start = file.read(4)
    # Field 1, of length L, begins with field 1 of the piece, a string: two lengths nested.
    return len(start) == 4 and start[0] == 0x0A and start[2] == 0x0A and start[3] < start[1]
