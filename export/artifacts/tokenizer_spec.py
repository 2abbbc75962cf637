"""The tokenizer of an artifact as data: a vocabulary and the way text is split with it.

tokenizer = tokenizer_choice.resolve(request, directories=["albert_large"])
tokenizer.vocabulary, tokenizer.tokenization, tokenizer.lower_case
"""

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np

from configs import tokenizations
from preprocess.vocabulary import (
    hugging_face,
    tokenizer_config,
    vocabularies,
    word_starts,
    wordpiece_vocabulary,
)
from preprocess.vocabulary.hugging_face import HuggingFaceTokenizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenizerSpec:
    """A tokenizer.

    Attributes:
      vocabulary: the model or vocabulary.
      tokenization: one of `tokenizations.ALL`.
      lower_case: whether text is lower-cased.
      keep_accents: whether text keeps its accents.
      hugging_face: what the tokenization "huggingface" does; None for the others.
      tokenizer_json: content of the `tokenizer.json` that decides it; None without one.
      has_types: whether transformers gives the second of two texts type 1, not 0 as the first.
      languages: BCP 47 tags, those that the user says.
      notices: one sentence for each thing that was guessed or that the user should know.
    """

    vocabulary: vocabularies.Vocabulary
    tokenization: str
    lower_case: bool
    keep_accents: bool
    hugging_face: HuggingFaceTokenizer | None = None
    tokenizer_json: bytes | None = dataclasses.field(default=None, repr=False)
    has_types: bool = True
    languages: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def described(self) -> vocabularies.Vocabulary | HuggingFaceTokenizer:
        """What `engines.make` takes: it has the pieces, the special ids and their number."""
        return self.hugging_face or self.vocabulary

    @property
    def is_wordpiece(self) -> bool:
        """Whether the vocabulary is BERT's, not a SentencePiece model."""
        return isinstance(self.vocabulary, wordpiece_vocabulary.WordPieceVocabulary)

    @property
    def starts_word(self) -> np.ndarray:
        """Which ids begin a word of the tokenizers library, bool [V], besides added tokens."""
        pieces = self.described.pieces
        if self.is_wordpiece:
            return word_starts.for_wordpieces(pieces)
        return word_starts.at_spaces(pieces)

    @property
    def spaces_in_words(self) -> bool:
        """Whether a word of the tokenizers library begins with the space before it."""
        model = getattr(self.hugging_face, "model", None)
        return isinstance(model, hugging_face.Unigram) and not model.splits_at_white_space

    @property
    def asset(self) -> bytes:
        """The content of the vocabulary's file, without the paths of whoever trained it."""
        if isinstance(self.vocabulary, wordpiece_vocabulary.WordPieceVocabulary):
            return self.vocabulary.content
        return self.vocabulary.proto

    @property
    def settings(self) -> bytes:
        """The content of a `tokenizer_config.json` which, beside the asset, says the rest."""
        values = tokenizer_config.to_json(
            self.described,
            tokenization=self.tokenization,
            lower_case=self.lower_case,
            keep_accents=self.keep_accents,
        )
        if not self.has_types:
            values |= tokenizer_config.WITHOUT_TYPES
        return (json.dumps(values, indent=2, sort_keys=True) + "\n").encode()

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it: no paths, but digests of the files."""
        tokenizer = {"file": self.vocabulary.file_name, "sha256": self.vocabulary.file_sha256}
        asset_sha256 = hashlib.sha256(self.asset).hexdigest()
        if asset_sha256 != self.vocabulary.file_sha256:
            tokenizer["asset_sha256"] = asset_sha256
        entries: dict[str, Any] = {
            "tokenizer": tokenizer,
            "tokenization": self.tokenization,
            "lower_case": self.lower_case,
            "keep_accents": self.keep_accents,
        }
        if self.hugging_face is not None:
            entries["tokenization_sha256"] = _digest(self.hugging_face)
        if not self.has_types:
            entries["has_types"] = False
        if self.languages:
            entries["language"] = list(self.languages)
        if self.notices:
            entries["tokenizer_notices"] = list(self.notices)
        return entries


def _digest(tokenizer: HuggingFaceTokenizer) -> str:
    """Returns a digest of what a tokenizer does, whatever files said it."""
    values = {
        "settings": tokenizer_config.to_json(
            tokenizer,
            tokenization=tokenizations.HUGGING_FACE,
            lower_case=tokenizer.lower_case,
            keep_accents=tokenizer.keep_accents,
        ),
        "steps": [_described(step) for step in tokenizer.steps],
        "model": [type(tokenizer.model).__name__, _scalars(tokenizer.model)],
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _described(step: hugging_face.Step) -> list[Any]:
    if not isinstance(step, hugging_face.MapCharacters):
        return [repr(step)]
    return [type(step).__name__, sorted({**step.rules.characters, **step.rules.pairs}.items())]


def _scalars(model: Any) -> dict[str, Any]:
    """Returns the settings of a model, without its vocabulary, which has its own digest."""
    values = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    return {name: value for name, value in values.items() if isinstance(value, bool | int)}
