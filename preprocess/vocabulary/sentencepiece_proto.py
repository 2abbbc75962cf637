"""Writes a SentencePiece model from pieces and scores, without TensorFlow.

    proto = sentencepiece_proto.build(pieces, padding_id=0, charsmap=b"")

Without a charsmap the model normalizes nothing but spaces.
"""

import dataclasses
import enum
from collections.abc import Sequence

import numpy as np
import sentencepiece

from preprocess.vocabulary import wire_format

# sentencepiece_model.proto, ModelProto.
_PIECES, _TRAINER_SPEC, _NORMALIZER_SPEC = 1, 2, 3
# ModelProto.SentencePiece.
_PIECE, _SCORE, _TYPE = 1, 2, 3
# TrainerSpec.
_MODEL_TYPE, _VOCAB_SIZE, _UNK_ID, _BOS_ID, _EOS_ID, _PAD_ID = 3, 4, 40, 41, 42, 43
_UNK_PIECE, _PAD_PIECE = 45, 48
_UNIGRAM, _NO_ID = 1, -1
# NormalizerSpec.
_NAME, _CHARSMAP, _DUMMY_PREFIX, _EXTRA_SPACES, _ESCAPE_SPACES = 1, 2, 3, 4, 5


class Type(enum.IntEnum):
    """What a piece is: ModelProto.SentencePiece.Type."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3  # stands for no text
    USER_DEFINED = 4  # is one piece wherever it stands in the text
    UNUSED = 5  # has an id and a text, and is never produced


@dataclasses.dataclass(frozen=True)
class Piece:
    """A piece, its logarithm of a probability, and its kind."""

    text: str
    score: float
    type: Type = Type.NORMAL


def build(pieces: Sequence[Piece], *, padding_id: int | None, charsmap: bytes) -> bytes:
    """Returns a Unigram `ModelProto`.

    Args:
      pieces: by id; exactly one is unknown.
      padding_id: id of the padding piece, None without one.
      charsmap: compiled rules of normalization, empty for none.
    """
    normalizer = (
        wire_format.bytes_field(_NAME, b"user_defined" if charsmap else b"identity")
        + wire_format.bytes_field(_CHARSMAP, charsmap)
        + wire_format.varint_field(_DUMMY_PREFIX, 1)
        + wire_format.varint_field(_EXTRA_SPACES, 1)
        + wire_format.varint_field(_ESCAPE_SPACES, 1)
    )
    return (
        b"".join(wire_format.bytes_field(_PIECES, _piece(piece)) for piece in pieces)
        + wire_format.bytes_field(_TRAINER_SPEC, _trainer_spec(pieces, padding_id))
        + wire_format.bytes_field(_NORMALIZER_SPEC, normalizer)
    )


def has_pieces(proto: bytes, pieces: Sequence[Piece]) -> bool:
    """Returns whether a model has these pieces with these scores."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
    size = processor.vocab_size()
    if size != len(pieces):
        return False
    scores = np.array([piece.score for piece in pieces], np.float32)
    return bool(
        np.array_equal(scores, np.array(list(map(processor.get_score, range(size))), np.float32))
    ) and all(processor.id_to_piece(i) == piece.text for i, piece in enumerate(pieces))


def _trainer_spec(pieces: Sequence[Piece], padding_id: int | None) -> bytes:
    unknown_id = next(i for i, piece in enumerate(pieces) if piece.type is Type.UNKNOWN)
    spec = (
        wire_format.varint_field(_MODEL_TYPE, _UNIGRAM)
        + wire_format.varint_field(_VOCAB_SIZE, len(pieces))
        + wire_format.varint_field(_UNK_ID, unknown_id)
        + wire_format.varint_field(_BOS_ID, _NO_ID)
        + wire_format.varint_field(_EOS_ID, _NO_ID)
        + wire_format.varint_field(_PAD_ID, _NO_ID if padding_id is None else padding_id)
        + wire_format.bytes_field(_UNK_PIECE, pieces[unknown_id].text.encode())
    )
    if padding_id is not None:
        spec += wire_format.bytes_field(_PAD_PIECE, pieces[padding_id].text.encode())
    return spec


def _piece(piece: Piece) -> bytes:
    encoded = wire_format.bytes_field(_PIECE, piece.text.encode())
    encoded += wire_format.float_field(_SCORE, piece.score)
    if piece.type is not Type.NORMAL:
        encoded += wire_format.varint_field(_TYPE, piece.type)
    return encoded
