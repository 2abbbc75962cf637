"""Reads and checks a SentencePiece model, without TensorFlow.

A command calls this before it spends seconds on importing TensorFlow, and everything that is
exported around a vocabulary takes its facts from here:

    model = sentencepiece_model.read("30k-clean.model")
    model.vocab_size, model.mask_id

The model's training settings carry paths of the machine it was trained on; `proto` is free of them.
"""

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from importlib import resources

import sentencepiece

from configs import errors

_SHIPPED = "en_uncased_30k.model"

# The pieces a model must have, by the attribute that holds the id.
SPECIAL_PIECES = {
    "padding_id": "<pad>",
    "unknown_id": "<unk>",
    "start_of_sequence_id": "[CLS]",
    "end_of_segment_id": "[SEP]",
    "mask_id": "[MASK]",
}

# Stands for a space in pieces.
SPACE = "\u2581"

# Field numbers of sentencepiece_model.proto. The generated module that `sentencepiece` bundles
# wants a newer protobuf than TensorFlow allows, so the wire format is walked here.
_PIECES = 1
_TRAINER_SPEC = 2
_NORMALIZER_SPEC = 3
_DENORMALIZER_SPEC = 5
# Fields that hold paths, by the message they stand in: TrainerSpec.input, .model_prefix,
# .seed_sentencepieces_file; NormalizerSpec.normalization_rule_tsv.
_PATH_FIELDS = {
    _TRAINER_SPEC: frozenset({1, 2, 54}),
    _NORMALIZER_SPEC: frozenset({6}),
    _DENORMALIZER_SPEC: frozenset({6}),
}
# NormalizerSpec.name and its built-in values; TrainerSpec.model_type and two of its values.
_RULES_NAME = 1
_RULES_THAT_STOP_AT_SPACES = {b"nmt_nfkc", b"nfkc", b"nmt_nfkc_cf", b"nfkc_cf", b"identity"}
_MODEL_TYPE = 3
_UNIGRAM, _BPE = b"\x01", b"\x02"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class SentencePieceModel:
    """A checked SentencePiece model.

    Attributes:
      file_name: the file's name without folders.
      file_sha256: hex digest of the file's bytes as they were given.
      proto: the serialized `ModelProto` without training paths; the file's bytes if it had none.
      pieces: the pieces by id.
      splits_at_spaces: whether words that a space separates are segmented independently.
      padding_id: id of `<pad>`.
      unknown_id: id of `<unk>`.
      start_of_sequence_id: id of `[CLS]`.
      end_of_segment_id: id of `[SEP]`.
      mask_id: id of `[MASK]`.
    """

    file_name: str
    file_sha256: str
    proto: bytes = dataclasses.field(repr=False)
    pieces: tuple[str, ...] = dataclasses.field(repr=False)
    splits_at_spaces: bool
    padding_id: int
    unknown_id: int
    start_of_sequence_id: int
    end_of_segment_id: int
    mask_id: int

    @property
    def vocab_size(self) -> int:
        """The number of pieces."""
        return len(self.pieces)

    def check_vocab_size(self, vocab_size: int) -> None:
        """Checks that every piece has a word embedding and every embedding a piece.

        Raises:
          errors.VocabularyError: the model has not `vocab_size` pieces.
        """
        if self.vocab_size != vocab_size:
            raise errors.VocabularyError(
                f"{self.file_name} has {self.vocab_size} pieces, but vocab_size is {vocab_size}"
            )


def read(path: str | None) -> SentencePieceModel:
    """Reads and checks a model.

    Args:
      path: the model file; None for the vocabulary that ships with the project.

    Raises:
      errors.VocabularyError: the file cannot be read, is no SentencePiece model, or lacks special
        pieces; the message lists everything that is wrong.
    """
    if path is None:
        name = _SHIPPED
        content = (resources.files("configs") / "vocabulary" / name).read_bytes()
    else:
        name = os.path.basename(path)
        content = _read_file(path)
    processor, proto = _load(content, name=path or name)
    ids = _special_ids(processor, name=path or name)
    pieces = tuple(processor.id_to_piece(i) for i in range(processor.vocab_size()))
    return SentencePieceModel(
        file_name=name,
        file_sha256=hashlib.sha256(content).hexdigest(),
        proto=proto,
        pieces=pieces,
        splits_at_spaces=_splits_at_spaces(proto, pieces),
        **ids,
    )


def without_paths(proto: bytes) -> bytes:
    """Returns a serialized `ModelProto` without the fields that carry training paths.

    Every other byte stays as it is.
    """
    cleaned = []
    for number, wire_type, field, value in _fields(proto):
        paths = _PATH_FIELDS.get(number)
        if wire_type == _BYTES and paths:
            kept = b"".join(part for inner, _, part, _ in _fields(value) if inner not in paths)
            if kept != value:
                field = _varint(number << 3 | _BYTES) + _varint(len(kept)) + kept
        cleaned.append(field)
    return b"".join(cleaned)


def _read_file(path: str) -> bytes:
    if not os.path.exists(path):
        raise errors.VocabularyError(f"SentencePiece model {path!r} does not exist")
    if not os.path.isfile(path):
        raise errors.VocabularyError(f"SentencePiece model {path!r} is not a regular file")
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise errors.VocabularyError(
            f"SentencePiece model {path!r} cannot be read: {error.strerror}"
        ) from error


def _load(content: bytes, *, name: str) -> tuple[sentencepiece.SentencePieceProcessor, bytes]:
    if not content:
        raise errors.VocabularyError(f"SentencePiece model {name!r} is empty")
    try:
        # A cut file can end between two fields and still parse: the pieces come first.
        present = {number for number, *_ in _fields(content)}
        missing = {_PIECES, _TRAINER_SPEC, _NORMALIZER_SPEC} - present
        if missing:
            raise ValueError("its pieces, training or normalization settings are missing")
        processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        return processor, without_paths(content)
    except (ValueError, RuntimeError, OSError) as error:
        raise errors.VocabularyError(
            f"{name!r} is not a SentencePiece model, or it is truncated or corrupted: {error}"
        ) from error


def _special_ids(processor: sentencepiece.SentencePieceProcessor, *, name: str) -> dict[str, int]:
    ids = {}
    problems = []
    for attribute, piece in SPECIAL_PIECES.items():
        piece_id = processor.piece_to_id(piece)
        # An unknown piece gets the id of the unknown piece, whatever that is called.
        if processor.id_to_piece(piece_id) != piece:
            problems.append(f"piece {piece} is missing")
        elif attribute == "unknown_id" and not processor.is_unknown(piece_id):
            problems.append(f"piece {piece} is not the model's unknown piece")
        ids[attribute] = piece_id
    if problems:
        raise errors.VocabularyError(
            errors.listing(f"SentencePiece model {name!r} cannot serve ALBERT", problems)
            + "; train it with --pad_id=0 --unk_id=1 --bos_id=-1 --eos_id=-1 "
            "--control_symbols=[CLS],[SEP],[MASK]"
        )
    return ids


def _splits_at_spaces(proto: bytes, pieces: tuple[str, ...]) -> bool:
    """Returns whether no piece and no rule of normalization can reach across a space.

    The space symbol may stand only at the start of a piece and must be a piece itself, or it could
    melt into a run of unknown characters. Rules that a user wrote may do anything; word models melt
    unknown words into one.
    """
    settings = {number: value for number, _, _, value in _fields(proto)}
    rules = {number: value for number, _, _, value in _fields(settings[_NORMALIZER_SPEC])}
    training = {number: value for number, _, _, value in _fields(settings[_TRAINER_SPEC])}
    return (
        rules.get(_RULES_NAME) in _RULES_THAT_STOP_AT_SPACES
        and training.get(_MODEL_TYPE, _UNIGRAM) in (_UNIGRAM, _BPE)
        and SPACE in pieces
        and not any(SPACE in piece[1:] or " " in piece for piece in pieces)
    )


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yields number, wire type, the whole field and its value without key and length.

    https://protobuf.dev/programming-guides/encoding

    Raises:
      ValueError: `message` is not a serialized protobuf message.
    """
    position = 0
    while position < len(message):
        start = position
        key, position = _read_varint(message, position)
        value_start = position
        wire_type = key & 7
        if wire_type == _VARINT:
            _, position = _read_varint(message, position)
        elif wire_type == _FIXED64:
            position += 8
        elif wire_type == _FIXED32:
            position += 4
        elif wire_type == _BYTES:
            length, value_start = _read_varint(message, position)
            position = value_start + length
        else:
            raise ValueError(f"wire type {wire_type} at byte {start}")
        if position > len(message):
            raise ValueError(f"the field at byte {start} ends after the file")
        yield key >> 3, wire_type, message[start:position], message[value_start:position]


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position + shift // 7 >= len(message):
            break
        byte = message[position + shift // 7]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + shift // 7 + 1
    raise ValueError(f"a number that does not end at byte {position}")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
