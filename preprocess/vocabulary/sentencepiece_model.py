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
from collections.abc import Mapping
from importlib import resources

import sentencepiece
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message,
    message_factory,
    text_format,
)

from configs import errors

_SHIPPED = "en_uncased_30k.model"

# The special pieces by the attribute that holds the id, as google-research/albert names them. The
# padding and unknown pieces may have any name: the model says which they are.
SPECIAL_PIECES = {
    "padding_id": "<pad>",
    "unknown_id": "<unk>",
    "start_of_sequence_id": "[CLS]",
    "end_of_segment_id": "[SEP]",
    "mask_id": "[MASK]",
}
_OTHER_PADDING = "[PAD]"

# Stands for a space in pieces.
SPACE = "\u2581"

# The fields of sentencepiece_model.proto that are read or cleared here, and those before them: a
# message keeps fields that its class does not know and serializes them last, so the order stays.
# The module that `sentencepiece` bundles wants a newer protobuf than TensorFlow allows.
_SCHEMA = """
name: "export_sentencepiece_model.proto"
message_type {
  name: "TrainerSpec"
  field { name: "input" number: 1 label: LABEL_REPEATED type: TYPE_BYTES }
  field { name: "model_prefix" number: 2 type: TYPE_BYTES }
  field { name: "model_type" number: 3 type: TYPE_INT32 default_value: "1" }
  field { name: "seed_sentencepieces_file" number: 54 type: TYPE_BYTES }
}
message_type {
  name: "NormalizerSpec"
  field { name: "name" number: 1 type: TYPE_BYTES }
  field { name: "normalization_rule_tsv" number: 6 type: TYPE_BYTES }
}
message_type {
  name: "ModelProto"
  field { name: "pieces" number: 1 label: LABEL_REPEATED type: TYPE_BYTES }
  field { name: "trainer_spec" number: 2 type: TYPE_MESSAGE type_name: "TrainerSpec" }
  field { name: "normalizer_spec" number: 3 type: TYPE_MESSAGE type_name: "NormalizerSpec" }
  field { name: "self_test_data" number: 4 type: TYPE_BYTES }
  field { name: "denormalizer_spec" number: 5 type: TYPE_MESSAGE type_name: "NormalizerSpec" }
}
"""
_pool = descriptor_pool.DescriptorPool()
_pool.Add(text_format.Parse(_SCHEMA, descriptor_pb2.FileDescriptorProto()))
_ModelProto = message_factory.GetMessageClass(_pool.FindMessageTypeByName("ModelProto"))

# Fields that hold paths, by the message they are in.
_PATH_FIELDS = {
    "trainer_spec": ("input", "model_prefix", "seed_sentencepieces_file"),
    "normalizer_spec": ("normalization_rule_tsv",),
    "denormalizer_spec": ("normalization_rule_tsv",),
}
# Values of NormalizerSpec.name and TrainerSpec.model_type.
_RULES_THAT_STOP_AT_SPACES = {b"nmt_nfkc", b"nfkc", b"nmt_nfkc_cf", b"nfkc_cf", b"identity"}
_UNIGRAM, _BPE = 1, 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class SentencePieceModel:
    """A checked SentencePiece model.

    Attributes:
      file_name: the file's name without folders.
      file_sha256: hex digest of the file's bytes as they were given.
      proto: the serialized `ModelProto` without training paths; the file's bytes if it had none.
      pieces: the pieces by id.
      splits_at_spaces: whether words that a space separates are segmented independently.
      padding_id: id of `<pad>`, or of what the model has instead; 0 if it has none.
      unknown_id: id of `<unk>`, or of what the model has instead.
      start_of_sequence_id: id of `[CLS]`.
      end_of_segment_id: id of `[SEP]`.
      mask_id: id of `[MASK]`.
      notes: one sentence for each thing that the model does not say and that was filled in.
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
    notes: tuple[str, ...] = ()

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


def read(
    path: str | None, *, special_pieces: Mapping[str, str] | None = None
) -> SentencePieceModel:
    """Reads and checks a model.

    Args:
      path: the model file; None for the vocabulary that ships with the project.
      special_pieces: names of special pieces, by the keys of `SPECIAL_PIECES`, where they are not
        the usual ones.

    Raises:
      errors.VocabularyError: the file cannot be read, is not a SentencePiece model, or lacks
        special pieces; the message lists everything that is wrong.
    """
    if path is None:
        content = (resources.files("configs") / "vocabulary" / _SHIPPED).read_bytes()
        return parse(content, path=_SHIPPED, special_pieces=special_pieces)
    return parse(_read_file(path), path=path, special_pieces=special_pieces)


def parse(
    content: bytes, *, path: str, special_pieces: Mapping[str, str] | None = None
) -> SentencePieceModel:
    """Checks a model that is not in a file; as `read`, with a path that names it."""
    processor, pieces, proto = _load(content, name=path)
    ids, notes = _special_ids(processor, name=path, special_pieces=special_pieces or {})
    return SentencePieceModel(
        file_name=os.path.basename(path),
        file_sha256=hashlib.sha256(content).hexdigest(),
        proto=proto,
        pieces=pieces,
        splits_at_spaces=_splits_at_spaces(proto, pieces),
        notes=notes,
        **ids,
    )


def pieces(path: str) -> tuple[str, ...]:
    """Returns the pieces of a model, whatever special ones it has; raises as `read`."""
    return _load(_read_file(path), name=path)[1]


def without_paths(proto: bytes) -> bytes:
    """Returns a serialized `ModelProto` without the fields that carry training paths.

    All other fields stay, known or not. A model without such fields keeps its bytes.

    Raises:
      google.protobuf.message.DecodeError: it is not a serialized message.
    """
    model = _ModelProto.FromString(proto)
    before = model.ByteSize()
    for name, paths in _PATH_FIELDS.items():
        if model.HasField(name):
            for path in paths:
                getattr(model, name).ClearField(path)
    return model.SerializeToString() if model.ByteSize() != before else proto


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


def _load(
    content: bytes, *, name: str
) -> tuple[sentencepiece.SentencePieceProcessor, tuple[str, ...], bytes]:
    """Returns the model as the library loads it, its pieces, and its bytes without paths."""
    if not content:
        raise errors.VocabularyError(f"SentencePiece model {name!r} is empty")
    try:
        # A cut file can end between two fields and still parse: the pieces come first.
        model = _ModelProto.FromString(content)
        if not (
            model.pieces and model.HasField("trainer_spec") and model.HasField("normalizer_spec")
        ):
            raise ValueError("its pieces, training or normalization settings are missing")
        processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        pieces = tuple(processor.id_to_piece(i) for i in range(processor.vocab_size()))
        return processor, pieces, without_paths(content)
    except (message.DecodeError, ValueError, RuntimeError, OSError) as error:
        raise errors.VocabularyError(
            f"{name!r} is not a SentencePiece model, or it is truncated or corrupted: {error}"
        ) from error


def _special_ids(
    processor: sentencepiece.SentencePieceProcessor,
    *,
    name: str,
    special_pieces: Mapping[str, str],
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Returns the ids by attribute, and notes; what is not named is looked for in the model."""
    names = {**SPECIAL_PIECES, "unknown_id": processor.id_to_piece(processor.unk_id())}
    notes: tuple[str, ...] = ()
    problems = []
    padding = _padding(processor)
    if padding is None and "padding_id" not in special_pieces:
        names["padding_id"] = processor.id_to_piece(0)
        notes = (f"{os.path.basename(name)} has no padding piece: rows are filled with id 0",)
    elif padding is not None:
        names["padding_id"] = padding
    names.update(special_pieces)
    ids = {}
    for attribute, piece in names.items():
        ids[attribute] = processor.piece_to_id(piece)
        # An unknown piece gets the id of the unknown piece, whatever that is called.
        if processor.id_to_piece(ids[attribute]) != piece:
            problems.append(f"piece {piece} is missing")
        elif attribute == "unknown_id" and not processor.is_unknown(ids[attribute]):
            problems.append(f"piece {piece} is not the model's unknown piece")
    if problems:
        raise errors.VocabularyError(
            errors.listing(f"SentencePiece model {name!r} cannot serve ALBERT", problems)
            + "; train it with --pad_id=0 --unk_id=1 --bos_id=-1 --eos_id=-1 "
            "--control_symbols=[CLS],[SEP],[MASK], or say what these pieces are called in it: "
            "--special_tokens pad=...,mask=..."
        )
    return ids, notes


def _padding(processor: sentencepiece.SentencePieceProcessor) -> str | None:
    """Returns the padding piece: the one that the trainer was told, or one by a usual name."""
    if processor.pad_id() >= 0:
        return str(processor.id_to_piece(processor.pad_id()))
    for piece in (SPECIAL_PIECES["padding_id"], _OTHER_PADDING):
        if processor.id_to_piece(processor.piece_to_id(piece)) == piece:
            return piece
    return None


def _splits_at_spaces(proto: bytes, pieces: tuple[str, ...]) -> bool:
    """Returns whether no piece and no rule of normalization can reach across a space.

    The space symbol may stand only at the start of a piece and must be a piece itself, or it could
    melt into a run of unknown characters. Rules that a user wrote may do anything; word models melt
    unknown words into one.
    """
    model = _ModelProto.FromString(proto)
    return (
        model.normalizer_spec.name in _RULES_THAT_STOP_AT_SPACES
        and model.trainer_spec.model_type in (_UNIGRAM, _BPE)
        and SPACE in pieces
        and not any(SPACE in piece[1:] or " " in piece for piece in pieces)
    )
