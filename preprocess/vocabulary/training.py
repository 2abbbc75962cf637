"""Trains a SentencePiece model with ALBERT's layout of special pieces.

Example:
    proto = training.train(["corpus.txt"], vocab_size=30000, lower_case=True)

The settings are those of the google-research/albert README. Text is cleaned as by its
`preprocess_text`, so that the pieces fit the text that the tokenizer will get.
"""

import io
import os
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import sentencepiece

from configs import errors

# google-research/albert, README.md, "SentencePiece".
_SETTINGS: dict[str, Any] = {
    "model_type": "unigram",
    "character_coverage": 0.99995,
    "shuffle_input_sentence": True,
    "input_sentence_size": 10_000_000,
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
    "user_defined_symbols": ["(", ")", '"', "-", ".", "\u2013", "\u00a3", "\u20ac"],
}
# The trainer silently drops longer sentences, so lines are cut at a space.
_MAX_SENTENCE_BYTES = 4192
_SEED = 0


def check(paths: Sequence[str]) -> None:
    """Checks that all files exist and contain UTF-8 text.

    Raises:
      errors.VocabularyError: some do not, or none contains any text; the message lists all
        problems.
    """
    problems = []
    has_text = False
    for path in paths:
        if not os.path.isfile(path):
            problems.append(f"{path!r} is not a file")
            continue
        try:
            with open(path, encoding="utf-8") as file:
                has_text |= any(not line.isspace() for line in file)
        except UnicodeDecodeError as error:
            problems.append(f"{path!r} is not UTF-8 text: {error.reason}")
        except OSError as error:
            problems.append(f"{path!r} cannot be read: {error.strerror}")
    if not problems and not has_text:
        problems.append("no text in it")
    if problems:
        raise errors.VocabularyError(errors.listing("cannot train on the input", problems))


def train(paths: Sequence[str], *, vocab_size: int, lower_case: bool) -> bytes:
    """Trains a model; the same text gives the same model.

    Args:
      paths: UTF-8 text files, see `check`.
      vocab_size: number of pieces, special ones included.
      lower_case: whether to lower-case the text, for an uncased model.

    Returns:
      The serialized `ModelProto`, without paths of this machine.

    Raises:
      errors.VocabularyError: the text has too few different words for `vocab_size`, or too many
        different characters.
    """
    model = io.BytesIO()
    sentencepiece.set_random_generator_seed(_SEED)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(paths, lower_case=lower_case),
            model_writer=model,
            vocab_size=vocab_size,
            max_sentence_length=_MAX_SENTENCE_BYTES,
            minloglevel=2,
            **_SETTINGS,
        )
    except RuntimeError as error:
        # "INTERNAL: src/file.cc(1) [condition] The problem and a value that would do."
        reason = str(error).rpartition("] ")[2] or str(error)
        raise errors.VocabularyError(f"cannot train {vocab_size} pieces: {reason}") from error
    return model.getvalue()


def _sentences(paths: Sequence[str], *, lower_case: bool) -> Iterator[str]:
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                yield from _chunks(_clean(line, lower_case=lower_case))


def _clean(line: str, *, lower_case: bool) -> str:
    decomposed = unicodedata.normalize("NFKD", " ".join(line.split()))
    kept = "".join(char for char in decomposed if not unicodedata.combining(char))
    return kept.lower() if lower_case else kept


def _chunks(line: str) -> Iterator[str]:
    """Yields the line in chunks that the trainer accepts, cut at spaces if there are any."""
    content = line.encode("utf-8")
    while len(content) > _MAX_SENTENCE_BYTES:
        cut = content.rfind(b" ", 1, _MAX_SENTENCE_BYTES)
        if cut < 0:
            cut = _MAX_SENTENCE_BYTES
            while content[cut] & 0xC0 == 0x80:  # inside a UTF-8 character
                cut -= 1
        yield content[:cut].decode("utf-8")
        content = content[cut:].lstrip(b" ")
    if content:
        yield content.decode("utf-8")
