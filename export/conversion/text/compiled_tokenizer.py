"""A tokenizer as one SentencePiece model that takes raw text, for runtimes without our graph.

Example:
    made = compiled_tokenizer.make(spec, encode=text_tokenizer.encode)
    made.model.proto  # with which SentencePiece finds the ids of "Déjà vu"
    made.other  # texts of which the ids are not those of the preprocessor

What the graph does to a text before it is cut into pieces becomes the model's own map of characters
(`precompiled_charsmap`). Such a map replaces strings, the longest that begins at a place, and knows
nothing of what was before. So it is not the same for every text: it is compared.
"""

import dataclasses
import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import sentencepiece

from configs import errors, tokenizations
from export.artifacts import tokenizer_spec
from export.conversion import tokenizer_texts
from export.conversion.text import compositions
from preprocess.vocabulary import hugging_face, sentencepiece_model, sentencepiece_proto

_SPACE, _DIGIT = " ", "0"
# Planes of Unicode that have characters, but those for private use.
_ASSIGNED = (range(1, 0x40000), range(0xE0000, 0xE1000))
# For private use; NUL ends a text for onnxruntime-extensions, and cannot be in a rule.
NUL_STAND_IN, _FIRST_STAND_IN, _NO_PIECE = "\U0010fffc", 0xF0000, "\U0010fffd"
_MOST_OTHER = 0.01  # share of texts with other ids
_SHOWN = 10
_ADVICE = "convert the encoder, and tokenize before it"
# From a model and texts to the ids of each.
Encode = Callable[["CompiledModel", Sequence[str]], list[list[int]]]
_Normalize = Callable[[Sequence[str]], list[str]]


class Engine(Protocol):
    """A tokenizer of `engines.make`."""

    def normalize(self, sentences: Any) -> Any:
        """Returns what is segmented, string [B], of string [B]."""

    def encode(self, sentences: Any) -> Any:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompiledModel:
    """A SentencePiece model that takes raw text.

    Attributes:
      proto: the serialized `ModelProto`.
      aliases: the ids that its last pieces stand for, one each.
    """

    proto: bytes = dataclasses.field(repr=False)
    aliases: tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompiledTokenizer:
    """The model, and how it was compared.

    Attributes:
      model: the model.
      texts: the number of texts that were compared.
      other: those with other ids.
    """

    model: CompiledModel
    texts: int
    other: tuple[str, ...]

    @property
    def notices(self) -> list[str]:
        """What the user should know."""
        if not self.other:
            return [f"its tokenizer gives the same ids for {self.texts} texts"]
        return [
            f"its tokenizer gives other ids for {len(self.other)} of {self.texts} texts, such as "
            f"{self.other[0]!r}"
        ]

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it."""
        return {
            "texts": self.texts,
            "other_ids": len(self.other),
            "examples": list(self.other[:_SHOWN]),
        }


def make(
    spec: tokenizer_spec.TokenizerSpec,
    *,
    engine: Engine,
    encode: Encode,
    tokens: Mapping[str, int] | None = None,
) -> CompiledTokenizer:
    """Compiles a tokenizer.

    Args:
      spec: the tokenizer.
      engine: its graph.
      encode: from a model and texts to ids, in the runtime that the model is for.
      tokens: the ids of further strings that `engine` makes tokens of.

    Raises:
      errors.VocabularyError: it has no SentencePiece model, or the result is too far from it.
    """
    check(spec)
    sentencepiece.set_min_log_level(2)
    proto = _proto(spec)
    added = {**_added_tokens(spec), **(tokens or {})}
    model = sentencepiece_proto.ModelProto.FromString(proto)
    _fill(model, spec, added)
    normalize = _normalization(engine.normalize, proto)
    rules = _rules(normalize, _replaced(spec)) | _rules_of_tokens(added)
    (of_nul,) = _between(normalize, ["\0"])
    rules[NUL_STAND_IN] = of_nul.replace("\0", _NO_PIECE)
    model.normalizer_spec.precompiled_charsmap = _compiled(rules)
    model.normalizer_spec.name = "user_defined"
    compiled = CompiledModel(
        proto=model.SerializeToString(deterministic=True), aliases=tuple(added.values())
    )
    texts = [*tokenizer_texts.make(), *tokenizer_texts.with_tokens(list(added))]
    other = differing(compiled, engine, texts, encode=encode)
    if len(other) > _MOST_OTHER * len(texts):
        raise errors.VocabularyError(
            f"the tokenizer cannot become a SentencePiece model: {len(other)} of {len(texts)} "
            f"texts would have other ids, such as {other[0]!r}; {_ADVICE}"
        )
    return CompiledTokenizer(model=compiled, texts=len(texts), other=other)


def check(spec: tokenizer_spec.TokenizerSpec) -> None:
    """Checks that a tokenizer has a SentencePiece model.

    Raises:
      errors.VocabularyError: it has not.
    """
    if spec.is_wordpiece or (
        spec.hugging_face and isinstance(spec.hugging_face.model, hugging_face.WordPiece)
    ):
        raise errors.VocabularyError(
            f"a WordPiece vocabulary cannot become a SentencePiece model: {_ADVICE}"
        )


def differing(
    model: CompiledModel,
    engine: Engine,
    texts: Sequence[str],
    *,
    encode: Encode,
) -> tuple[str, ...]:
    """Returns the texts of which a compiled model's ids are not those of the tokenizer."""
    compared = zip(texts, encode(model, texts), ids(engine, texts), strict=True)
    return tuple(text for text, got, expected in compared if got != expected)


def ids(engine: Engine, texts: Sequence[str]) -> list[list[int]]:
    """Returns the ids of texts by the tokenizer's graph."""
    import tensorflow as tf

    found: list[list[int]] = engine.encode(tf.constant(list(texts), tf.string)).to_list()
    return found


def _proto(spec: tokenizer_spec.TokenizerSpec) -> bytes:
    """Returns the model that the tokenizer's graph has."""
    if spec.hugging_face is None:
        return spec.asset
    model = spec.hugging_face.model
    assert not isinstance(model, hugging_face.WordPiece)
    return model.proto if isinstance(model, hugging_face.Unigram) else model.vocabulary.proto


def _added_tokens(spec: tokenizer_spec.TokenizerSpec) -> dict[str, int]:
    """Returns the ids of what is a token in text; not of the unknown one, which no text is."""
    found = getattr(spec.described, "added_tokens", ())
    unknown = spec.described.unknown_id
    return {token.content: token.id for token in found if token.id != unknown}


def _fill(model: Any, spec: tokenizer_spec.TokenizerSpec, added: Mapping[str, int]) -> None:
    """Adds a piece for each added token, and takes out those that are taken apart afterwards."""
    for number in range(len(added)):
        piece = model.pieces.add(piece=sentencepiece_model.SPACE + _stand_in(number), score=0.0)
        piece.type = sentencepiece_proto.Type.USER_DEFINED
    is_slow = spec.hugging_face and isinstance(spec.hugging_face.model, hugging_face.SlowAlbert)
    if spec.tokenization == tokenizations.ORIGINAL or is_slow:
        for piece in model.pieces:
            if piece.piece[-1:] == "," and piece.piece[-2:-1].isdigit():
                piece.type = sentencepiece_proto.Type.UNUSED


def _stand_in(number: int) -> str:
    """Returns a character for private use, which stands for an added token in the text."""
    return chr(_FIRST_STAND_IN + number)


def _rules_of_tokens(added: Mapping[str, int]) -> dict[str, str]:
    """Returns rules that put a stand-in for each token, and none for those that a text has.

    A token takes the space before it, and what follows is a word of its own.
    """
    tokens = {
        content: f"{_SPACE}{_stand_in(number)}{_SPACE}" for number, content in enumerate(added)
    }
    return {**{_stand_in(number): _NO_PIECE for number in range(len(added))}, **tokens}


def _replaced(spec: tokenizer_spec.TokenizerSpec) -> list[str]:
    """Returns the strings that the tokenizer replaces."""
    if spec.hugging_face is None or isinstance(spec.hugging_face.model, hugging_face.SlowAlbert):
        return ["``", "''"]
    steps = spec.hugging_face.steps
    return [step.old for step in steps if isinstance(step, hugging_face.Replace)]


def _normalization(normalize: Callable[[Any], Any], proto: bytes) -> _Normalize:
    """Returns all that happens to the characters of texts: the graph's part, and the model's."""
    import tensorflow as tf

    own = sentencepiece.SentencePieceNormalizer(
        model_proto=proto,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        escape_whitespaces=False,
    )

    def normalized(texts: Sequence[str]) -> list[str]:
        by_graph = normalize(tf.constant([text.encode() for text in texts])).numpy()
        found: list[str] = own.normalize([text.decode() for text in by_graph])
        return found

    return normalized


def _rules(normalize: _Normalize, replaced: Iterable[str]) -> dict[str, str]:
    """Returns what becomes of characters, and of strings that become something else together."""
    points = itertools.chain(*_ASSIGNED)
    characters = [chr(c) for c in points if not 0xD800 <= c < 0xE000 and c != ord(_SPACE)]
    new = _between(normalize, characters)
    rules = {old: one for old, one in zip(characters, new, strict=True) if old != one}
    together = sorted({*compositions.found(), *replaced})
    for old, one in zip(together, _between(normalize, together), strict=True):
        if one != "".join(rules.get(character, character) for character in old):
            rules[old] = one
    return rules


def _between(normalize: _Normalize, texts: Sequence[str]) -> list[str]:
    """Returns the normalized texts, as they are between characters that nothing joins."""
    new = normalize([f"{_DIGIT}{text}{_DIGIT}" for text in texts])
    return [text[1:-1] for text in new]


def _compiled(rules: Mapping[str, str]) -> bytes:
    """Returns the rules as SentencePiece compiles them."""
    lines = [
        "\t".join(" ".join(f"{ord(character):X}" for character in text) for text in rule) + "\n"
        for rule in sorted(rules.items())
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rules.tsv")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)
        made = sentencepiece.SentencePieceNormalizer(rule_tsv=path).serialized_normalizer_spec()
    # The class of a message is for its bytes alone.
    spec = sentencepiece_proto.ModelProto().normalizer_spec
    spec.MergeFromString(made)
    return bytes(spec.precompiled_charsmap)
