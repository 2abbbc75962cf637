"""Writes a SentencePiece model from pieces and scores, without TensorFlow.

    proto = sentencepiece_proto.build(pieces, padding_id=0, charsmap=b"")

Without a charsmap the model normalizes nothing but spaces.
"""

import dataclasses
import enum
from collections.abc import Sequence
from typing import Any

import numpy as np
import sentencepiece
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

# The fields of sentencepiece_model.proto that are written here. The module that `sentencepiece`
# bundles wants a newer protobuf than TensorFlow allows.
_SCHEMA = """
name: "export_sentencepiece_model_builder.proto"
message_type {
  name: "SentencePiece"
  field { name: "piece" number: 1 type: TYPE_STRING }
  field { name: "score" number: 2 type: TYPE_FLOAT }
  field { name: "type" number: 3 type: TYPE_INT32 }
}
message_type {
  name: "TrainerSpec"
  field { name: "model_type" number: 3 type: TYPE_INT32 }
  field { name: "vocab_size" number: 4 type: TYPE_INT32 }
  field { name: "unk_id" number: 40 type: TYPE_INT32 }
  field { name: "bos_id" number: 41 type: TYPE_INT32 }
  field { name: "eos_id" number: 42 type: TYPE_INT32 }
  field { name: "pad_id" number: 43 type: TYPE_INT32 }
  field { name: "unk_piece" number: 45 type: TYPE_STRING }
  field { name: "pad_piece" number: 48 type: TYPE_STRING }
}
message_type {
  name: "NormalizerSpec"
  field { name: "name" number: 1 type: TYPE_STRING }
  field { name: "precompiled_charsmap" number: 2 type: TYPE_BYTES }
  field { name: "add_dummy_prefix" number: 3 type: TYPE_BOOL }
  field { name: "remove_extra_whitespaces" number: 4 type: TYPE_BOOL }
  field { name: "escape_whitespaces" number: 5 type: TYPE_BOOL }
}
message_type {
  name: "ModelProto"
  field {
    name: "pieces" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: "SentencePiece"
  }
  field { name: "trainer_spec" number: 2 type: TYPE_MESSAGE type_name: "TrainerSpec" }
  field { name: "normalizer_spec" number: 3 type: TYPE_MESSAGE type_name: "NormalizerSpec" }
}
"""
_pool = descriptor_pool.DescriptorPool()
_pool.Add(text_format.Parse(_SCHEMA, descriptor_pb2.FileDescriptorProto()))
ModelProto = message_factory.GetMessageClass(_pool.FindMessageTypeByName("ModelProto"))
_UNIGRAM, _NO_ID = 1, -1


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
    model = ModelProto()
    for piece in pieces:
        added = model.pieces.add(piece=piece.text, score=piece.score)
        if piece.type is not Type.NORMAL:
            added.type = piece.type
    _fill_trainer_spec(model.trainer_spec, pieces, padding_id)
    normalizer = model.normalizer_spec
    normalizer.name = "user_defined" if charsmap else "identity"
    normalizer.precompiled_charsmap = charsmap
    normalizer.add_dummy_prefix = True
    normalizer.remove_extra_whitespaces = True
    normalizer.escape_whitespaces = True
    return model.SerializeToString(deterministic=True)


def has_pieces(proto: bytes, pieces: Sequence[Piece]) -> bool:
    """Returns whether a model has these pieces with these scores; not if it is none."""
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
    except RuntimeError:
        return False
    size = processor.vocab_size()
    if size != len(pieces):
        return False
    scores = np.array([piece.score for piece in pieces], np.float32)
    return bool(
        np.array_equal(scores, np.array(list(map(processor.get_score, range(size))), np.float32))
    ) and all(processor.id_to_piece(i) == piece.text for i, piece in enumerate(pieces))


def _fill_trainer_spec(spec: Any, pieces: Sequence[Piece], padding_id: int | None) -> None:
    spec.model_type = _UNIGRAM
    spec.vocab_size = len(pieces)
    spec.unk_id = next(i for i, piece in enumerate(pieces) if piece.type is Type.UNKNOWN)
    spec.bos_id = spec.eos_id = _NO_ID
    spec.pad_id = _NO_ID if padding_id is None else padding_id
    spec.unk_piece = pieces[spec.unk_id].text
    if padding_id is not None:
        spec.pad_piece = pieces[padding_id].text
