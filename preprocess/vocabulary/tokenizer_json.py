"""Reads and checks a `tokenizer.json` of Hugging Face's `tokenizers`, without TensorFlow.

    tokenizer = tokenizer_json.read("tokenizer.json")

Two kinds are read: Unigram, as transformers writes it for ALBERT, and WordPiece with BERT's words,
which the Chinese models have. What the graph cannot do exactly is refused, every such part named.
The sections `truncation` and `padding` belong to the last user, not to the tokenizer.
"""

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence

from configs import errors, strangers_files
from preprocess.vocabulary import (
    hugging_face,
    json_files,
    sentencepiece_model,
    sentencepiece_proto,
    special_names,
    tokenizer_json_parts,
    wordpiece_vocabulary,
)
from preprocess.vocabulary.json_files import Json

_SP_MODEL = "spiece.model"
_VOCAB = "vocab.txt"
# Multiples of 2 ** -15 add up exactly in 24 bits up to 512, which is a word of 35 rare pieces.
_STEPS = 2**15


def read(
    path: str,
    *,
    names: Mapping[str, str] | None = None,
    sp_model: bytes | None = None,
) -> hugging_face.HuggingFaceTokenizer:
    """Reads and checks a tokenizer.

    Args:
      path: the file.
      names: of special tokens by role, see `special_names`, where they are not the usual ones.
      sp_model: the `spiece.model` that lies beside it: kept as it is if its pieces and scores are
        the same.

    Raises:
      errors.VocabularyError: the file cannot be read, lacks special tokens, or has parts that the
        graph cannot do; the message lists them all.
    """
    try:
        with open(path, "rb", opener=strangers_files.opener) as file:
            content = file.read()
    except OSError as error:
        raise errors.VocabularyError(f"{path!r} cannot be read: {error.strerror}") from error
    values = json_files.parse(content, path=path)
    reader = _Reader(path, values, names=names or {})
    try:
        return reader.tokenizer(hashlib.sha256(content).hexdigest(), sp_model=sp_model)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, errors.VocabularyError):
            raise
        raise errors.VocabularyError(
            f"{path!r} is not a tokenizer.json: {type(error).__name__} {error}"
        ) from error


_UNIGRAM, _WORDPIECE = "Unigram", "WordPiece"


class _Reader:
    """Reads the sections of one file."""

    def __init__(self, path: str, values: Json, *, names: Mapping[str, str]) -> None:
        self._path = path
        self._values = values
        self._names = names
        self._parts = tokenizer_json_parts.Parts()

    def tokenizer(
        self, sha256: str, *, sp_model: bytes | None
    ) -> hugging_face.HuggingFaceTokenizer:
        parts = self._parts
        kind, pieces, unknown_id, splits = self._pieces()
        is_unigram = kind == _UNIGRAM
        added = parts.added_tokens(self._values["added_tokens"], pieces)
        steps, spaces = parts.steps(self._values.get("normalizer"))
        parts.check_spaces(spaces, is_unigram=is_unigram, splits=splits)
        outer = parts.outer_tokens(self._values.get("post_processor"))
        if parts.problems:
            raise self._error(*parts.problems)
        everything = [*pieces, *(token.content for token in added if token.id >= len(pieces))]
        ids, notes = special_names.ids(
            everything,
            names=self._names,
            known={"unknown_id": unknown_id, **outer},
            file_name=os.path.basename(self._path),
        )
        if not outer:
            name = os.path.basename(self._path)
            notes += (f"{name} has no post_processor: [CLS] and [SEP] are put around texts",)
        return hugging_face.HuggingFaceTokenizer(
            file_name=os.path.basename(self._path),
            file_sha256=sha256,
            model=(
                hugging_face.Unigram(
                    vocabulary=self._sentencepiece_model(everything, added, ids, sp_model=sp_model),
                    proto=self._proto_of_graph(everything, ids["unknown_id"]),
                    splits_at_white_space=splits,
                    strips_last=not splits and spaces.strips_last,
                )
                if is_unigram
                else self._wordpiece(everything, ids)
            ),
            steps=steps,
            added_tokens=added,
            lower_case=hugging_face.Lowercase() in steps,
            keep_accents=not any(isinstance(step, hugging_face.RemoveMarks) for step in steps),
            notes=notes,
            **ids,
        )

    def _pieces(self) -> tuple[str, list[str], int, bool]:
        """Returns kind, pieces, id of the unknown piece, and whether white space splits text."""
        model, kind = self._values["model"], self._values["model"].get("type")
        pre_tokenizer = self._values.get("pre_tokenizer")
        if kind == _UNIGRAM:
            pieces = [str(piece) for piece, _ in model["vocab"]]
            splits = self._parts.splits_at_white_space(pre_tokenizer)
            return kind, pieces, self._unknown_of_unigram(pieces), splits
        if kind != _WORDPIECE:
            raise self._error(f"model {kind}")
        pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
        unknown_id = self._unknown_of_wordpiece(pieces)
        self._parts.words_of_bert(pre_tokenizer)
        return kind, pieces, unknown_id, True

    def _error(self, *problems: str) -> errors.VocabularyError:
        title = f"{self._path!r} has parts that the graph cannot do"
        return errors.VocabularyError(errors.listing(title, list(problems)))

    def _unknown_of_unigram(self, pieces: Sequence[str]) -> int:
        model, problems = self._values["model"], self._parts.problems
        if model.get("byte_fallback"):
            problems.append("model Unigram with byte_fallback")
        if model.get("unk_id") is None:
            problems.append("model Unigram without unk_id")
        if sentencepiece_model.SPACE not in pieces:
            problems.append(f"model Unigram without the piece {sentencepiece_model.SPACE}")
        if len(set(pieces)) < len(pieces) or not all(pieces):
            problems.append("model Unigram with a piece that is empty or stands twice")
        # The score of unknown text depends on the lowest score; the graph leaves such pieces out.
        least = min(self._values["model"]["vocab"], key=lambda entry: entry[1])[0]
        if _crosses_words(least):
            problems.append(f"model Unigram whose least likely piece, {least!r}, crosses words")
        return model.get("unk_id") or 0

    def _unknown_of_wordpiece(self, pieces: Sequence[str]) -> int:
        model, problems = self._values["model"], self._parts.problems
        if [model["vocab"][piece] for piece in pieces] != list(range(len(pieces))):
            problems.append("model WordPiece with ids that are not 0 to its size")
        if model["continuing_subword_prefix"] != wordpiece_vocabulary.CONTINUES:
            problems.append(f"model WordPiece with {model['continuing_subword_prefix']!r} for ##")
        if model["unk_token"] not in pieces:
            problems.append(f"model WordPiece without {model['unk_token']!r}")
            return 0
        return pieces.index(model["unk_token"])

    def _scores(self, count: int) -> list[float]:
        """Returns the pieces' scores, and zeros for added tokens behind them."""
        scores = [float(score) for _, score in self._values["model"]["vocab"]]
        return scores + [0.0] * (count - len(scores))

    def _proto_of_graph(self, everything: Sequence[str], unknown_id: int) -> bytes:
        """Returns a SentencePiece model that segments as `tokenizers` does.

        That takes special tokens for pieces like all others, where normalization makes them out of
        other text, and never looks at pieces that cross words. It adds up scores without rounding;
        SentencePiece's 32 bits do so for a word if the scores themselves are rounded a little.
        """
        kinds = sentencepiece_proto.Type
        own = len(self._values["model"]["vocab"])
        types = [
            kinds.UNUSED if i >= own or _crosses_words(piece) else kinds.NORMAL
            for i, piece in enumerate(everything)
        ]
        types[unknown_id] = kinds.UNKNOWN
        scores = [round(score * _STEPS) / _STEPS for score in self._scores(len(everything))]
        pieces = list(map(sentencepiece_proto.Piece, everything, scores, types))
        return sentencepiece_proto.build(pieces, padding_id=None, charsmap=b"")

    def _sentencepiece_model(
        self,
        everything: Sequence[str],
        added: Sequence[hugging_face.AddedToken],
        ids: Mapping[str, int],
        *,
        sp_model: bytes | None,
    ) -> sentencepiece_model.SentencePieceModel:
        """Returns the model that lies beside the file if it has the same pieces, else a new one."""
        kinds = sentencepiece_proto.Type
        types = [kinds.NORMAL] * len(everything)
        for token in added:
            if token.special:
                types[token.id] = kinds.CONTROL
            elif token.id >= len(self._values["model"]["vocab"]):
                types[token.id] = kinds.USER_DEFINED
        types[ids["unknown_id"]] = kinds.UNKNOWN
        scores = self._scores(len(everything))
        pieces = list(map(sentencepiece_proto.Piece, everything, scores, types))
        if sp_model is None or not sentencepiece_proto.has_pieces(sp_model, pieces):
            is_control = types[ids["padding_id"]] is kinds.CONTROL
            padding_id = ids["padding_id"] if is_control else None
            charsmap = self._charsmap()
            sp_model = sentencepiece_proto.build(pieces, padding_id=padding_id, charsmap=charsmap)
        return sentencepiece_model.parse(
            sp_model,
            path=os.path.join(os.path.dirname(self._path), _SP_MODEL),
            special_pieces={role: everything[i] for role, i in ids.items()},
        )

    def _charsmap(self) -> bytes:
        for part in tokenizer_json_parts.flat(self._values.get("normalizer"), "normalizers"):
            if part["type"] == "Precompiled":
                return base64.b64decode(part["precompiled_charsmap"])
        return b""

    def _wordpiece(
        self, everything: Sequence[str], ids: Mapping[str, int]
    ) -> hugging_face.WordPiece:
        path = os.path.join(os.path.dirname(self._path), _VOCAB)
        return hugging_face.WordPiece(
            vocabulary=wordpiece_vocabulary.parse(
                "".join(f"{piece}\n" for piece in everything).encode(),
                path=path,
                special_tokens={role: everything[i] for role, i in ids.items()},
            ),
            size=len(self._values["model"]["vocab"]),
            max_characters=self._values["model"]["max_input_chars_per_word"],
        )


def _crosses_words(piece: str) -> bool:
    return sentencepiece_model.SPACE in piece[1:]
