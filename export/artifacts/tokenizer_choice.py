"""Chooses the tokenizer of an artifact, without TensorFlow.

    request = tokenizer_choice.Request(tokenization="original")
    tokenizer = tokenizer_choice.resolve(request, directories=["albert_large"], default="hub")

What the user asks for comes first, then what the files beside the weights say, then what the code
that wrote the weights does. Everything that was guessed is in the result's `notices`.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence

from configs import errors, language_tags, tokenizations
from export.artifacts import case_guesses
from export.artifacts.tokenizer_spec import TokenizerSpec
from export.checkpoints import lazy_checkpoint, opening
from preprocess.vocabulary import (
    finding,
    sentencepiece_model,
    special_names,
    tokenizer_config,
    vocabularies,
    wordpiece_vocabulary,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a user says of the tokenizer; None for what the files and their source say.

    Attributes:
      sp_model_file: a SentencePiece model.
      vocab_file: a WordPiece vocabulary in its place.
      tokenization: one of `tokenizations.ALL`.
      lower_case: whether text is lower-cased.
      keep_accents: whether text keeps its accents.
      special_tokens: names of special tokens, as `pad=<pad>,mask=<mask>`.
      language: languages of the texts, BCP 47 tags with commas between them. Nothing is inferred
        without it.
    """

    sp_model_file: str | None = None
    vocab_file: str | None = None
    tokenization: str | None = None
    lower_case: bool | None = None
    keep_accents: bool | None = None
    special_tokens: str | None = None
    language: str | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages, empty if the user says none.

        Raises:
          errors.ConfigError: they are malformed.
        """
        return language_tags.parse(self.language) if self.language is not None else ()


def resolve(
    request: Request, *, directories: Sequence[str] = (), default: str = tokenizations.HUB
) -> TokenizerSpec | None:
    """Returns the tokenizer that a user asks for; None if none lies in any of the directories.

    Args:
      request: what the user says.
      directories: where the weights and their companions lie; if there are none, the demo
        vocabulary is taken.
      default: the tokenization where neither the user nor a file says one.

    Raises:
      errors.VocabularyError: a file is not valid, or the user asks for what it cannot have.
    """
    names = special_names.parse(request.special_tokens) if request.special_tokens else None
    if request.sp_model_file is not None and request.vocab_file is not None:
        raise errors.VocabularyError("give --sp_model_file or --vocab_file, not both")
    path = request.sp_model_file or request.vocab_file
    if path is not None:
        return _given(request, path, directories=directories, default=default, names=names)
    if not directories:
        if request.tokenization == tokenizations.HUGGING_FACE:
            raise errors.VocabularyError(
                "--tokenization=huggingface needs a tokenizer of Hugging Face's libraries: give "
                "--checkpoint, --encoder, --sp_model_file or --vocab_file"
            )
        demo = _plain(vocabularies.read(None, vocab_file=None), request)
        return dataclasses.replace(demo, notices=())
    for directory in filter(os.path.isdir, directories):
        found = finding.beside(directory, names=names)
        if found is not None:
            return _chosen(found, request, default=default)
    return None


def of(request: Request, *, checkpoint: str | None, encoder: str | None) -> TokenizerSpec:
    """Returns the tokenizer of a checkpoint or an exported encoder, or the demo vocabulary.

    Args:
      request: what the user says.
      checkpoint: location of weights, see `opening.open`.
      encoder: folder of an encoder's SavedModel.

    Raises:
      errors.CheckpointError: the weights or the encoder cannot be read.
      errors.VocabularyError: see `resolve`.
    """
    if checkpoint is not None and encoder is not None:
        raise errors.VocabularyError("give --checkpoint or --encoder, not both")
    if checkpoint is not None:
        return of_checkpoint(opening.open(checkpoint), request)
    if encoder is not None:
        return _of_encoder(encoder, request)
    tokenizer = resolve(request)
    assert tokenizer is not None  # without directories there is the demo vocabulary
    if (request.sp_model_file, request.vocab_file) == (None, None):
        line = (
            "its vocabulary is this project's demo vocabulary, which no published model has; give "
            "--checkpoint, --encoder, --sp_model_file or --vocab_file for a model's own"
        )
        return dataclasses.replace(tokenizer, notices=(line,))
    return tokenizer


def _of_encoder(directory: str, request: Request) -> TokenizerSpec:
    if not os.path.isfile(os.path.join(directory, "saved_model.pb")):
        raise errors.InputError(f"--encoder must be the folder of a SavedModel, got {directory!r}")
    tokenizer = resolve(request, directories=[os.path.join(directory, "assets")])
    if tokenizer is None:
        raise errors.VocabularyError(f"the encoder {directory!r} has no tokenizer")
    return tokenizer


def of_checkpoint(checkpoint: lazy_checkpoint.Checkpoint, request: Request) -> TokenizerSpec:
    """Returns the tokenizer of a checkpoint, as the user asks for it.

    Raises:
      errors.VocabularyError: as `resolve`; or the checkpoint has none, and the user names none.
    """
    tokenizer = resolve(
        request, directories=checkpoint.directories, default=checkpoint.tokenization
    )
    if tokenizer is None:
        raise errors.VocabularyError(
            f"checkpoint {checkpoint.location!r} comes without a tokenizer (tokenizer.json, "
            "spiece.model, 30k-clean.model, vocab.txt); say which with --sp_model_file or "
            "--vocab_file, or that there is none with --notokenizer. The vocabulary that ships "
            "with this project has other pieces than any published model's"
        )
    return tokenizer


def _given(
    request: Request,
    path: str,
    *,
    directories: Sequence[str],
    default: str,
    names: Mapping[str, str] | None,
) -> TokenizerSpec:
    """Returns the tokenizer that a file is which the user names."""
    is_wordpiece = request.vocab_file is not None
    if is_wordpiece and request.tokenization == tokenizations.ORIGINAL:
        raise _not_for_wordpiece(path)
    if (request.tokenization or default) == tokenizations.HUGGING_FACE:
        configs = (os.path.join(folder, tokenizer_config.CONFIG) for folder in directories)
        config = next(filter(os.path.isfile, configs), path)
        found = finding.at(
            path,
            is_wordpiece=is_wordpiece,
            names=names,
            directory=os.path.dirname(config),
            model_directories=directories,
        )
        return _chosen(found, request, default=default)
    vocabulary: vocabularies.Vocabulary
    if is_wordpiece:
        vocabulary = wordpiece_vocabulary.read(path, special_tokens=names)
    else:
        vocabulary = sentencepiece_model.read(path, special_pieces=names)
    return _plain(vocabulary, request, messages=getattr(vocabulary, "notes", ()))


def _chosen(found: finding.FoundTokenizer, request: Request, *, default: str) -> TokenizerSpec:
    """Returns a tokenizer that was found, with the tokenization that it gets."""
    tokenization = request.tokenization or found.tokenization or default
    if tokenization != tokenizations.HUGGING_FACE:
        plain = _plain(
            found.vocabulary,
            dataclasses.replace(request, tokenization=request.tokenization or found.tokenization),
            lower_case=found.lower_case,
            keep_accents=found.keep_accents,
            messages=found.messages,
        )
        return dataclasses.replace(plain, has_types=found.has_types)
    tokenizer = found.hugging_face
    given = {"lower_case": request.lower_case, "keep_accents": request.keep_accents}
    for name, value in given.items():
        if value is not None:
            raise errors.VocabularyError(
                f"{_flag(name, value)} is not for --tokenization=huggingface: "
                f"{os.path.basename(found.path)} and what lies beside it decide, and say "
                f"{_flag(name, getattr(tokenizer, name))}"
            )
    content = None
    if os.path.basename(found.path) == finding.TOKENIZER:
        with open(found.path, "rb") as file:
            content = file.read()
    messages = (*found.messages, *tokenizer.notes)
    if found.lower_case is None:
        messages += case_guesses.notices(
            found.vocabulary, tokenizer.lower_case, tokenizer.keep_accents
        )
    return TokenizerSpec(
        vocabulary=found.vocabulary,
        tokenization=tokenization,
        lower_case=tokenizer.lower_case,
        keep_accents=tokenizer.keep_accents,
        hugging_face=tokenizer,
        tokenizer_json=content,
        has_types=found.has_types,
        languages=request.languages,
        notices=tuple(dict.fromkeys(messages)),
    )


def _plain(
    vocabulary: vocabularies.Vocabulary,
    request: Request,
    *,
    lower_case: bool | None = None,
    keep_accents: bool | None = None,
    messages: tuple[str, ...] = (),
) -> TokenizerSpec:
    """Returns a tokenizer with a tokenization that any vocabulary can have.

    Args:
      vocabulary: the vocabulary.
      request: what the user says.
      lower_case: what the files beside it say; None if nothing.
      keep_accents: what they say.
      messages: for the user.
    """
    tokenization = request.tokenization or tokenizations.HUB
    is_wordpiece = isinstance(vocabulary, wordpiece_vocabulary.WordPieceVocabulary)
    if is_wordpiece and tokenization != tokenizations.HUB:
        raise _not_for_wordpiece(vocabulary.file_name)
    lower = _setting("lower_case", request.lower_case, lower_case, default=True)
    # BERT's tokenizer strips accents where it lower-cases.
    accents = not lower if is_wordpiece else False
    keep = _setting("keep_accents", request.keep_accents, keep_accents, default=accents)
    if is_wordpiece and keep != accents:
        raise errors.VocabularyError(
            f"--tokenization=hub cannot do {_flag('keep_accents', keep)} with a WordPiece "
            f"vocabulary and {_flag('lower_case', lower)}: give --tokenization=huggingface"
        )
    is_lower_guessed = request.lower_case is None and lower_case is None
    is_keep_guessed = request.keep_accents is None and keep_accents is None
    messages += case_guesses.notices(
        vocabulary, lower and is_lower_guessed, keep or not is_keep_guessed
    )
    if request.tokenization is None and not is_wordpiece:
        messages += (
            "its tokenization is that of TF Hub's preprocessor; google's models were trained with "
            "--tokenization=original",
        )
    return TokenizerSpec(
        vocabulary=vocabulary,
        tokenization=tokenization,
        lower_case=lower,
        keep_accents=keep,
        languages=request.languages,
        notices=messages,
    )


def _not_for_wordpiece(file_name: str) -> errors.VocabularyError:
    return errors.VocabularyError(
        "--tokenization=original is for a SentencePiece model, not for the WordPiece vocabulary "
        f"{file_name}"
    )


def _setting(name: str, given: bool | None, said: bool | None, *, default: bool) -> bool:
    """Returns what the user gives or, without it, what the files say."""
    if given is not None and said is not None and given != said:
        raise errors.VocabularyError(
            f"{_flag(name, given)}, but what lies beside the weights says {_flag(name, said)}"
        )
    return next((value for value in (given, said) if value is not None), default)


def _flag(name: str, value: bool) -> str:
    return f"--{name}" if value else f"--no{name}"
