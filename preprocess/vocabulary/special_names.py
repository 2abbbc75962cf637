"""Finds out which tokens have a special role, and what they are called, without TensorFlow.

    names = special_names.beside("checkpoint")  # {"mask_id": "<mask>", ...}

Roles have the names of TF Hub's preprocessor API: `padding_id`, `unknown_id`,
`start_of_sequence_id`, `end_of_segment_id` and `mask_id`.
"""

import os
from collections.abc import Mapping, Sequence

from configs import errors
from preprocess.vocabulary import json_files

# The keys of Hugging Face's files, and of explicit settings (`pad=<pad>,unk=<unk>`) with `_token`.
ROLES = {
    "pad_token": "padding_id",
    "unk_token": "unknown_id",
    "cls_token": "start_of_sequence_id",
    "sep_token": "end_of_segment_id",
    "mask_token": "mask_id",
}
_FILES = ("tokenizer_config.json", "special_tokens_map.json")
_USUAL = {
    "padding_id": ("<pad>", "[PAD]"),
    "start_of_sequence_id": ("[CLS]",),
    "end_of_segment_id": ("[SEP]",),
    "mask_id": ("[MASK]",),
}


def parse(text: str) -> dict[str, str]:
    """Returns the names by role that `pad=<pad>,unk=<unk>` gives.

    Raises:
      errors.VocabularyError: it is not such a list.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    wrong = [key for key, _, name in pairs if f"{key}_token" not in ROLES or not name]
    if wrong:
        keys = ", ".join(key.removesuffix("_token") for key in ROLES)
        raise errors.VocabularyError(
            f"--special_tokens must be pad=...,unk=..., with keys of {keys}, got {text!r}"
        )
    return {ROLES[f"{key}_token"]: name for key, _, name in pairs}


def beside(directory: str) -> dict[str, str]:
    """Returns the names, by role, that Hugging Face's files in a directory give.

    Raises:
      errors.VocabularyError: a file cannot be read.
    """
    names = {}
    for path in (os.path.join(directory, name) for name in _FILES):
        if os.path.isfile(path):
            values = json_files.read(path)
            for key, role in ROLES.items():
                value = values.get(key)
                name = value.get("content") if isinstance(value, dict) else value
                if isinstance(name, str):
                    names[role] = name
    return names


def ids_of(vocabulary: object) -> set[int]:
    """Returns the special ids of a vocabulary or a tokenizer."""
    return {getattr(vocabulary, role) for role in ROLES.values()}


def ids(
    pieces: Sequence[str], *, names: Mapping[str, str], known: Mapping[str, int], file_name: str
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Returns the id of every role, and notes on what was filled in.

    Args:
      pieces: all pieces and added tokens by id.
      names: of tokens by role, where somebody gives them.
      known: ids by role that the file itself decides.
      file_name: for messages.

    Raises:
      errors.VocabularyError: a role has no token, or another one than `names` says.
    """
    by_name = {piece: i for i, piece in reversed(list(enumerate(pieces)))}
    found = dict(known)
    problems = [
        f"{role} is {pieces[known[role]]!r} in it, not {name!r}"
        for role, name in names.items()
        if role in known and pieces[known[role]] != name
    ]
    for role in ROLES.values():
        candidates = [names[role]] if role in names else _USUAL.get(role, ())
        present = [by_name[name] for name in candidates if name in by_name]
        if role not in found and present:
            found[role] = present[0]
    notes: tuple[str, ...] = ()
    if "padding_id" not in found and "padding_id" not in names:
        found["padding_id"] = 0
        notes = (f"{file_name} has no padding token: rows are filled with id 0",)
    problems += [
        f"no token {names.get(role) or ' or '.join(_USUAL.get(role, ()))} for {role}"
        for role in ROLES.values()
        if role not in found
    ]
    if problems:
        raise errors.VocabularyError(
            errors.listing(f"{file_name} lacks special tokens", problems)
            + "; say what they are called in it: --special_tokens pad=...,unk=..."
        )
    return found, notes
