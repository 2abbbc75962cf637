"""Trains a SentencePiece model with ALBERT's layout of special pieces.

Example:
    proto = vocabulary_training.train(["corpus.txt"], vocab_size=30000, lower_case=True)

The settings are those of the google-research/albert README, and text is cleaned as its
`preprocess_text` does it before training, so that the pieces fit what the tokenizer will see.
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
# The trainer drops longer sentences without a word; lines are cut at a space before that.
_MAX_SENTENCE_BYTES = 4192
_SEED = 0


def check(paths: Sequence[str]) -> None:
    """Checks that all files are there and hold UTF-8 text.

    Raises:
      errors.VocabularyError: some are not, or none has any text; the message lists them all.
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
      vocab_size: number of pieces, the special ones included.
      lower_case: whether to lower-case the text, for an uncased model.

    Returns:
      The serialized `ModelProto`, without any path of this machine.

    Raises:
      errors.VocabularyError: the text has not enough different words for `vocab_size`, or
        `vocab_size` has no room for its characters.
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
        # "INTERNAL: src/file.cc(1) [condition] What is wrong and which value would do."
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
    """Yields the line in parts that the trainer accepts, cut at spaces where there are any."""
    content = line.encode("utf-8")
    while len(content) > _MAX_SENTENCE_BYTES:
        cut = content.rfind(b" ", 1, _MAX_SENTENCE_BYTES)
        if cut < 0:
            cut = _MAX_SENTENCE_BYTES
            while content[cut] & 0xC0 == 0x80:  # inside a character
                cut -= 1
        yield content[:cut].decode("utf-8")
        content = content[cut:].lstrip(b" ")
    if content:
        yield content.decode("utf-8")
