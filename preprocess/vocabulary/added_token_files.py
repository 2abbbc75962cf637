"""Reads the added tokens in the files beside a SentencePiece model or a `vocab.txt`.

    added = added_token_files.read("checkpoint", settings)

Since 4.34 transformers writes them all into `added_tokens_decoder` of `tokenizer_config.json`.
Before, they were in `added_tokens.json`, and the names of special ones in other keys.
"""

import os
from collections.abc import Iterable, Iterator, Sequence

from configs import errors
from preprocess.vocabulary import hugging_face, json_files
from preprocess.vocabulary.json_files import Json

CONFIG, ADDED, MAP = "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json"
FLAGS = ("special", "normalized", "lstrip", "rstrip", "single_word")
# Keys that name special tokens, beside those of the roles in `special_names`.
NAMED = ("bos_token", "eos_token")
LISTED = ("additional_special_tokens", "extra_special_tokens")
_DECODER = "added_tokens_decoder"


def read(directory: str, settings: Json) -> list[hugging_face.AddedToken]:
    """Returns the added tokens that have an id in the files of a directory.

    Args:
      directory: of the files.
      settings: the content of its `tokenizer_config.json`.

    Raises:
      errors.VocabularyError: a file cannot be read.
    """
    try:
        if _DECODER in settings:
            return [
                hugging_face.AddedToken(
                    content=values["content"],
                    id=int(number),
                    **{flag: bool(values.get(flag, False)) for flag in FLAGS},
                )
                for number, values in settings[_DECODER].items()
            ]
        special = set(_special(directory, settings))
        return [
            hugging_face.AddedToken(
                content=name,
                id=int(number),
                special=name in special,
                normalized=name not in special,
            )
            for name, number in json_files.beside(directory, ADDED).items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        config = os.path.join(directory, CONFIG)
        raise errors.VocabularyError(
            f"the added tokens in {config!r} cannot be read: {type(error).__name__} {error}"
        ) from error


def with_special(
    directory: str,
    settings: Json,
    added: Sequence[hugging_face.AddedToken],
    *,
    pieces: Sequence[str],
) -> list[hugging_face.AddedToken]:
    """Returns added tokens with the special ones that old files only name, and that are pieces.

    Raises:
      errors.VocabularyError: one is neither added nor a piece.
    """
    found = list(added)
    if _DECODER in settings:
        return found
    numbers = {piece: number for number, piece in enumerate(pieces)}
    contents = {token.content for token in added}
    for name in dict.fromkeys(_special(directory, settings)):
        if name in contents:
            continue
        if name not in numbers:
            raise errors.VocabularyError(
                f"the files in {directory!r} name the special token {name!r}, which has no id: "
                "load the folder with transformers' AutoTokenizer and save_pretrained it there"
            )
        found.append(hugging_face.AddedToken(content=name, id=numbers[name], special=True))
    return found


def problems(
    tokens: Sequence[hugging_face.AddedToken], pieces: Sequence[str], *, is_slow: bool
) -> list[str]:
    """Returns what added tokens have that is not found in text as transformers finds it.

    Args:
      tokens: by id.
      pieces: of the vocabulary. Added tokens are pieces, or have the ids behind them.
      is_slow: whether they are used by a tokenizer in Python.
    """
    expected = len(pieces)
    listed = []
    for token in tokens:
        is_piece = token.id < len(pieces)
        if is_piece and pieces[token.id] != token.content:
            listed.append(f"id {token.id} of {token.content!r} is piece {pieces[token.id]!r}")
        elif not is_piece and token.id != expected:
            listed.append(f"id {token.id} of {token.content!r} should be {expected}")
        expected += not is_piece
        if token.content != token.content.strip() or not token.content:
            listed.append(f"{token.content!r} has outer white space")
        if is_slow and token.single_word:
            listed.append(f"{token.content!r} is a single_word")
    return listed + shadowed(tokens)


def shadowed(tokens: Sequence[hugging_face.AddedToken]) -> list[str]:
    """Returns which tokens begin with one that takes the white space before it.

    It would be found first, as it begins earlier in the text.
    """
    return [
        f"{long.content!r} begins with {short.content!r}, which has lstrip"
        for short in tokens
        for long in tokens
        if short.lstrip and not long.lstrip and long.content.startswith(short.content)
    ]


def _special(directory: str, settings: Json) -> Iterator[str]:
    """Yields the names of special tokens without a role; `special_tokens_map.json` comes first."""
    values = {**settings, **json_files.beside(directory, MAP)}
    for key in NAMED:
        yield from names([values.get(key)])
    for key in LISTED:
        yield from listed(values.get(key))


def listed(values: Json | list[Json | str | None] | None) -> Iterator[str]:
    """Yields the names in a list of tokens, or in a dictionary of them by name."""
    yield from names(values.values() if isinstance(values, dict) else values or [])


def names(values: Iterable[Json | str | None]) -> Iterator[str]:
    """Yields the names of tokens, which are strings or objects with `content`."""
    for value in values:
        content = value.get("content") if isinstance(value, dict) else value
        if isinstance(content, str):
            yield content
