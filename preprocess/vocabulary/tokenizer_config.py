"""Reads a tokenizer that is a vocabulary and a `tokenizer_config.json`, without TensorFlow.

    tokenizer = tokenizer_config.read_sentencepiece("checkpoint/spiece.model")
    tokenizer = tokenizer_config.read_wordpiece("checkpoint/vocab.txt")

A SentencePiece model is used as the AlbertTokenizer of transformers 4.57 does, which is written in
Python; the fast tokenizers that transformers makes of the same file give other ids. A WordPiece
vocabulary is used as BertTokenizerFast does.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence

from configs import errors, tokenizations
from preprocess.vocabulary import (
    added_token_files,
    hugging_face,
    json_files,
    sentencepiece_model,
    special_names,
    tokenizer_class,
    vocabularies,
    wordpiece_vocabulary,
)
from preprocess.vocabulary.json_files import Json

CONFIG = added_token_files.CONFIG
FILES = (CONFIG, added_token_files.ADDED, added_token_files.MAP)
_INPUTS = "model_input_names"
_TYPES = "token_type_ids"
_TOKENIZATION = "tokenization"  # a key of ours
_MAX_CHARACTERS = 100  # of a word, in all tokenizers of BERT


def read_sentencepiece(
    path: str,
    *,
    names: Mapping[str, str] | None = None,
    directory: str | None = None,
    model_directories: Sequence[str] = (),
) -> hugging_face.HuggingFaceTokenizer:
    """Reads a model and the settings beside it.

    Args:
      path: the model file.
      names: of special tokens by role, see `special_names`, instead of those in the files beside.
      directory: of the settings; None for the model's.
      model_directories: of the weights, see `tokenizer_class.said`.

    Raises:
      errors.VocabularyError: a file cannot be read or lacks special tokens, or the settings are of
        another tokenizer.
    """
    directory = os.path.dirname(path) if directory is None else directory
    settings = _settings(directory)
    class_name, file = tokenizer_class.said(directory, model_directories)
    if class_name not in (None, *tokenizer_class.ALBERT):
        raise tokenizer_class.refusal(class_name, file, path, used_as="AlbertTokenizer")
    if settings.get("sp_model_kwargs"):
        raise errors.VocabularyError(
            f"{CONFIG} beside {path!r} has sp_model_kwargs, which the graph cannot do"
        )
    names = dict(names or special_names.beside(directory))
    names.pop("unknown_id", None)  # the model alone decides
    added = added_token_files.read(directory, settings)
    # Padding may have been added later; the other special tokens must be pieces.
    pieces = {
        role: name
        for role, name in names.items()
        if role != "padding_id" or name not in (token.content for token in added)
    }
    vocabulary = sentencepiece_model.read(path, special_pieces=pieces)
    lower_case = bool(settings.get("do_lower_case", True))
    keep_accents = bool(settings.get("keep_accents", False))
    return _tokenizer(
        hugging_face.SlowAlbert(
            vocabulary=vocabulary,
            lower_case=lower_case,
            keep_accents=keep_accents,
            remove_space=bool(settings.get("remove_space", True)),
        ),
        path,
        added_token_files.with_special(directory, settings, added, pieces=vocabulary.pieces),
        names=names,
        lower_case=lower_case,
        keep_accents=keep_accents,
        steps=(),
        notes=(
            *vocabulary.notes,
            f"{os.path.basename(path)} is used as the slow AlbertTokenizer of transformers 4 does; "
            "fast tokenizers made of it give other ids",
        ),
    )


def read_wordpiece(
    path: str,
    *,
    names: Mapping[str, str] | None = None,
    directory: str | None = None,
    model_directories: Sequence[str] = (),
) -> hugging_face.HuggingFaceTokenizer:
    """Reads a vocabulary and the settings beside it; as `read_sentencepiece`."""
    directory = os.path.dirname(path) if directory is None else directory
    settings = _settings(directory)
    class_name, file = tokenizer_class.said(directory, model_directories)
    if class_name not in (None, *tokenizer_class.BERT, *tokenizer_class.ALBERT):
        raise tokenizer_class.refusal(class_name, file, path, used_as="BertTokenizer")
    notes: tuple[str, ...] = ()
    if class_name in tokenizer_class.ALBERT:
        notes = (
            f"{os.path.basename(path)} is used as BertTokenizer does, though {class_name}, the "
            f"tokenizer_class of {os.path.basename(file)}, does not read it",
        )
    names = names or special_names.beside(directory)
    vocabulary = wordpiece_vocabulary.read(path, special_tokens=names)
    said = bert_settings(settings)
    added = added_token_files.read(directory, settings)
    return _tokenizer(
        hugging_face.WordPiece(
            vocabulary=vocabulary, size=vocabulary.vocab_size, max_characters=_MAX_CHARACTERS
        ),
        path,
        added_token_files.with_special(directory, settings, added, pieces=vocabulary.pieces),
        names=names,
        lower_case=said.lower_case,
        keep_accents=not said.strip_accents,
        steps=hugging_face.bert_steps(clean_text=True, **dataclasses.asdict(said)),
        notes=notes,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class BertSettings:
    """What BERT's tokenizers do to a text.

    Attributes:
      lower_case: `do_lower_case`.
      strip_accents: `strip_accents`, or `do_lower_case` where it is not said.
      separate_ideographs: `tokenize_chinese_chars`.
    """

    lower_case: bool
    strip_accents: bool
    separate_ideographs: bool


def bert_settings(settings: Json) -> BertSettings:
    """Returns what BERT's tokenizers read in a `tokenizer_config.json`."""
    lower_case = bool(settings.get("do_lower_case", True))
    strip_accents = settings.get("strip_accents")
    return BertSettings(
        lower_case=lower_case,
        strip_accents=lower_case if strip_accents is None else bool(strip_accents),
        separate_ideographs=bool(settings.get("tokenize_chinese_chars", True)),
    )


def tokenization(settings: Json) -> str | None:
    """Returns the tokenization that `to_json` recorded; None if nothing did."""
    value = settings.get(_TOKENIZATION)
    return value if value in tokenizations.ALL else None


def has_types(settings: Json) -> bool:
    """Returns whether transformers gives the second of two texts type 1, not 0 as the first."""
    names = settings.get(_INPUTS)
    return not isinstance(names, list) or _TYPES in names


# What to record for a tokenizer of which `has_types` is false.
WITHOUT_TYPES: Json = {_INPUTS: ["input_ids", "attention_mask"]}


def to_json(
    tokenizer: hugging_face.HuggingFaceTokenizer | vocabularies.Vocabulary,
    *,
    tokenization: str,
    lower_case: bool,
    keep_accents: bool,
) -> Json:
    """Returns the settings which, beside its file, make the same tokenizer when they are read."""
    names = {
        key: tokenizer.pieces[getattr(tokenizer, role)] for key, role in special_names.ROLES.items()
    }
    values = {"do_lower_case": lower_case, "keep_accents": keep_accents, **names}
    values[_TOKENIZATION] = tokenization
    if not isinstance(tokenizer, hugging_face.HuggingFaceTokenizer):
        return values
    is_wordpiece = isinstance(tokenizer.model, hugging_face.WordPiece)
    values["tokenizer_class"] = "BertTokenizer" if is_wordpiece else "AlbertTokenizer"
    if isinstance(tokenizer.model, hugging_face.SlowAlbert):
        values["remove_space"] = tokenizer.model.remove_space
    elif is_wordpiece:
        separates = hugging_face.SeparateIdeographs() in tokenizer.steps
        values |= {"strip_accents": not keep_accents, "tokenize_chinese_chars": separates}
    values["added_tokens_decoder"] = {
        str(token.id): {
            "content": token.content,
            **{flag: getattr(token, flag) for flag in added_token_files.FLAGS},
        }
        for token in tokenizer.added_tokens
    }
    return values


def _settings(directory: str) -> Json:
    settings = json_files.beside(directory, CONFIG)
    if settings.get("split_special_tokens"):
        raise errors.VocabularyError(
            f"{CONFIG} in {directory!r} has split_special_tokens true, which the graph cannot do: "
            "set it to false if texts need not be split so"
        )
    return settings


def _tokenizer(
    model: hugging_face.SlowAlbert | hugging_face.WordPiece,
    path: str,
    added_tokens: Sequence[hugging_face.AddedToken],
    *,
    names: Mapping[str, str],
    lower_case: bool,
    keep_accents: bool,
    steps: tuple[hugging_face.Step, ...],
    notes: tuple[str, ...],
) -> hugging_face.HuggingFaceTokenizer:
    vocabulary = model.vocabulary
    pieces = vocabulary.pieces
    roles = (*special_names.ROLES.values(),)
    added = {token.id: token for token in added_tokens}
    for role in roles:
        number = getattr(vocabulary, role)
        if role == "padding_id" and pieces[number] == pieces[vocabulary.unknown_id]:
            continue  # there is none
        lstrip = role == "mask_id" and isinstance(model, hugging_face.SlowAlbert)
        token = hugging_face.AddedToken(
            content=pieces[number], id=number, special=True, lstrip=lstrip
        )
        added.setdefault(number, token)
    tokens = tuple(added[number] for number in sorted(added))
    is_slow = isinstance(model, hugging_face.SlowAlbert)
    if found := added_token_files.problems(tokens, pieces, is_slow=is_slow):
        title = f"the added tokens beside {path!r} do not fit it, or are not found as there"
        raise errors.VocabularyError(errors.listing(title, found))
    ids, more = special_names.ids(
        [*pieces, *(token.content for token in tokens if token.id >= len(pieces))],
        names=names,
        known={role: getattr(vocabulary, role) for role in roles if role not in names},
        file_name=os.path.basename(path),
    )
    return hugging_face.HuggingFaceTokenizer(
        file_name=vocabulary.file_name,
        file_sha256=vocabulary.file_sha256,
        model=model,
        steps=steps,
        added_tokens=tokens,
        lower_case=lower_case,
        keep_accents=keep_accents,
        notes=(*notes, *more),
        **ids,
    )
