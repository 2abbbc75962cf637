"""Reads and checks a WordPiece vocabulary (`vocab.txt`), without TensorFlow.

    vocabulary = wordpiece_vocabulary.read("vocab.txt")
    vocabulary.vocab_size, vocabulary.mask_id

The Chinese ALBERT models come with one instead of a SentencePiece model.
"""

import collections
import dataclasses
import hashlib
import os
from collections.abc import Mapping

from configs import errors

# The tokens a vocabulary must have, by the attribute that holds the id.
SPECIAL_TOKENS = {
    "padding_id": "[PAD]",
    "unknown_id": "[UNK]",
    "start_of_sequence_id": "[CLS]",
    "end_of_segment_id": "[SEP]",
    "mask_id": "[MASK]",
}
# What a token begins with that continues a word.
CONTINUES = "##"
_MAX_NAMED = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordPieceVocabulary:
    """A checked vocabulary: one token a line, the line's number is its id.

    Attributes:
      file_name: the file's name without folders.
      file_sha256: hex digest of the file's bytes as they were given.
      content: the file's bytes.
      pieces: the tokens by id.
      padding_id: id of `[PAD]`.
      unknown_id: id of `[UNK]`.
      start_of_sequence_id: id of `[CLS]`.
      end_of_segment_id: id of `[SEP]`.
      mask_id: id of `[MASK]`.
    """

    file_name: str
    file_sha256: str
    content: bytes = dataclasses.field(repr=False)
    pieces: tuple[str, ...] = dataclasses.field(repr=False)
    padding_id: int
    unknown_id: int
    start_of_sequence_id: int
    end_of_segment_id: int
    mask_id: int

    @property
    def vocab_size(self) -> int:
        """The number of tokens."""
        return len(self.pieces)

    def check_vocab_size(self, vocab_size: int) -> None:
        """Checks that every token has a word embedding and every embedding a token.

        Raises:
          errors.VocabularyError: the vocabulary has not `vocab_size` tokens.
        """
        if self.vocab_size != vocab_size:
            raise errors.VocabularyError(
                f"{self.file_name} has {self.vocab_size} tokens, but vocab_size is {vocab_size}"
            )


def read(path: str, *, special_tokens: Mapping[str, str] | None = None) -> WordPieceVocabulary:
    """Reads and checks a vocabulary.

    Args:
      path: the file.
      special_tokens: names of special tokens, by the keys of `SPECIAL_TOKENS`, where they are not
        the usual ones.

    Raises:
      errors.VocabularyError: the file cannot be read, is not a list of tokens, or lacks special
        tokens; the message lists everything that is wrong.
    """
    return parse(_read_file(path), path=path, special_tokens=special_tokens)


def parse(
    content: bytes, *, path: str, special_tokens: Mapping[str, str] | None = None
) -> WordPieceVocabulary:
    """Checks a vocabulary that is not in a file; as `read`, with a path that names it."""
    tokens = _tokens(content, path=path)
    names = {**SPECIAL_TOKENS, **(special_tokens or {})}
    problems = _problems(tokens, names)
    if problems:
        raise errors.VocabularyError(
            errors.listing(f"vocabulary {path!r} is no vocab.txt", problems)
        )
    return WordPieceVocabulary(
        file_name=os.path.basename(path),
        file_sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        pieces=tokens,
        **{attribute: tokens.index(token) for attribute, token in names.items()},
    )


def pieces(path: str) -> tuple[str, ...]:
    """Returns the tokens of a vocabulary, whatever special ones it has; raises as `read`."""
    return _tokens(_read_file(path), path=path)


def _read_file(path: str) -> bytes:
    if not os.path.exists(path):
        raise errors.VocabularyError(f"vocabulary {path!r} does not exist")
    if not os.path.isfile(path):
        raise errors.VocabularyError(f"vocabulary {path!r} is not a regular file")
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise errors.VocabularyError(
            f"vocabulary {path!r} cannot be read: {error.strerror}"
        ) from error


def _tokens(content: bytes, *, path: str) -> tuple[str, ...]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.VocabularyError(f"vocabulary {path!r} is not UTF-8 text: {error}") from error
    # Not `splitlines`: the Chinese vocabulary has tokens that Python takes for line breaks.
    return tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))


def _problems(pieces: tuple[str, ...], names: Mapping[str, str]) -> list[str]:
    if pieces == ("",):
        return ["it is empty"]
    problems = [f"line {number} is empty" for number, piece in enumerate(pieces, 1) if not piece]
    counts = collections.Counter(piece for piece in pieces if piece)
    problems += [f"token {piece!r} stands {n} times" for piece, n in counts.items() if n > 1]
    if len(problems) > _MAX_NAMED:
        problems = [*problems[:_MAX_NAMED], f"and {len(problems) - _MAX_NAMED} more"]
    missing = [token for token in names.values() if token not in counts]
    return problems + [f"token {token} is missing" for token in missing]
