"""Tokens of texts, by the library that wrote a checkpoint's tokenizer where that is there.

Example:
    tokens = source_tokens.of(checkpoint, module=module, entries=manifest.read(directory))
    inputs = tokens.pack(tokens.encode("some text").ids)

A `tokenizer.json` is read by the `tokenizers` library. Of any other tokenizer the tokens are the
artifact's own: then only what is computed from them is compared, which `engine` says.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import errors, hub_api
from export.artifacts import tokenizer_choice, tokenizer_spec
from export.checkpoints import lazy_checkpoint
from export.metadata import manifest
from preprocess.vocabulary import wordpiece_vocabulary

_OWN = "the artifact's own tokens"
_SPECIAL = ("start_of_sequence_id", "end_of_segment_id", "mask_id", "padding_id")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Encoded:
    """The tokens of a text, without special tokens around them.

    Attributes:
      ids: of the tokens.
      spans: the bytes of the text where each starts and ends; empty where no task needs them.
      words: the number of the word that each is in; empty as well.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...] = ()
    words: tuple[int, ...] = ()


class Tokens:
    """Tokenizes texts and packs them, one at a time.

    Attributes:
      engine: what tokenizes, with its version.
      tokenizer_json: the content of the file that the library reads; None without it.
      mask_id: the id of the mask token.
      num_pieces: the number of ids that have a piece.
      continues: what a piece begins with that continues a word; empty if nothing says so.
    """

    def __init__(
        self,
        module: Any,
        *,
        spec: tokenizer_spec.TokenizerSpec | None,
        library: Any,
        content: str | None,
        engine: str,
    ) -> None:
        """Takes the tokenizer.

        Args:
          module: the loaded text model.
          spec: what the checkpoint says of its tokenizer; None if it has none.
          library: a `tokenizers.Tokenizer`; None for the module's own tokens.
          content: what the library has read.
          engine: what tokenizes.
        """
        tokens = module.tokenize.get_special_tokens_dict()
        special = {name: int(tokens[name]) for name in _SPECIAL}
        self._module = module
        self._library = library
        self.engine = engine
        self.tokenizer_json = content
        self.num_pieces = library.get_vocab_size() if library else int(tokens["vocab_size"])
        self._special = frozenset(special.values())
        self._cls, self._sep, self.mask_id, _ = (special[name] for name in _SPECIAL)
        is_wordpiece = spec is not None and spec.is_wordpiece
        self.continues = wordpiece_vocabulary.CONTINUES if is_wordpiece else ""
        self._spaces_in_words = spec is not None and spec.spaces_in_words
        self._starts_word = None if spec is None else spec.starts_word
        added = () if spec is None else getattr(spec.described, "added_tokens", ())
        self._added = {token.id: token.content.encode() for token in added}

    def encode(self, text: str) -> Encoded:
        """Returns the tokens of a text."""
        if self._library is None:
            return self._own(text.encode())
        found = self._library.encode(text, add_special_tokens=False)
        sizes = (len(character.encode()) for character in text)
        byte = [0, *itertools.accumulate(sizes)]
        return Encoded(
            ids=tuple(found.ids),
            spans=tuple((byte[start], byte[end]) for start, end in found.offsets),
            words=tuple(-1 if word is None else word for word in found.word_ids),
        )

    def pack(self, first: Sequence[int], second: Sequence[int] | None = None) -> dict[str, Any]:
        """Returns the encoder's inputs, int [1, S], of the tokens of one text or two."""
        ids = [self._cls, *first, self._sep]
        types = [0] * len(ids)
        if second is not None:
            ids += [*second, self._sep]
            types += [1] * (len(second) + 1)
        arrays = dict(zip(hub_api.ENCODER_INPUTS, (ids, [1] * len(ids), types), strict=True))
        return {name: np.array([values], np.int32) for name, values in arrays.items()}

    def text_of(self, number: int) -> str:
        """Returns the text of a token by its id."""
        if self._library is not None:
            return self._library.decode([number], skip_special_tokens=False)
        return self._module.tokenize.detokenize([[number]]).numpy()[0].decode()

    def _own(self, text: bytes) -> Encoded:
        if not hasattr(self._module, "tokenize_with_offsets"):  # its task needs no offsets
            return Encoded(ids=tuple(self._module.tokenize([text])[0].numpy().tolist()))
        ids, starts, limits = (
            part[0].numpy().tolist() for part in self._module.tokenize_with_offsets([text])
        )
        return Encoded(
            ids=tuple(ids),
            spans=tuple(
                span if self._spaces_in_words and span[1] != before else _with_text(text, span)
                for before, span in zip(
                    [0, *limits], zip(starts, limits, strict=True), strict=False
                )
            ),
            words=self._words(text, ids, starts, limits),
        )

    def _words(
        self, text: bytes, ids: Sequence[int], starts: Sequence[int], limits: Sequence[int]
    ) -> tuple[int, ...]:
        """Returns a number for each token's word; special and added tokens are words alone."""
        if self._starts_word is None:  # then text between tokens parts words
            begins = [start > limit for start, limit in zip(starts, [0, *limits], strict=False)]
        else:
            begins = self._starts_word[np.array(ids, np.int64)].tolist()
        is_own = [
            number in self._special or self._added.get(number) == text[start:limit]
            for number, start, limit in zip(ids, starts, limits, strict=True)
        ]
        is_first = map(any, zip(begins, is_own, [False, *is_own], strict=False))
        return tuple(itertools.accumulate(map(int, is_first)))


def of(
    checkpoint: lazy_checkpoint.Checkpoint, *, module: Any, entries: Mapping[str, Any]
) -> Tokens:
    """Returns the tokens of a checkpoint's tokenizer.

    Args:
      checkpoint: the checkpoint.
      module: the loaded text model.
      entries: its manifest.
    """
    spec, why = _tokenizer(checkpoint, entries)
    content = spec.tokenizer_json.decode() if spec and spec.tokenizer_json and not why else None
    if content is not None:
        try:
            import tokenizers
        except ImportError:
            content, why = None, "the library tokenizers is not installed"
    if content is None:
        engine = f"{_OWN}: {why}"
        return Tokens(module, spec=spec, library=None, content=None, engine=engine)
    library = tokenizers.Tokenizer.from_str(content)
    library.no_truncation()
    library.no_padding()
    engine = f"tokenizers {tokenizers.__version__}"
    return Tokens(module, spec=spec, library=library, content=content, engine=engine)


def _tokenizer(
    checkpoint: lazy_checkpoint.Checkpoint, entries: Mapping[str, Any]
) -> tuple[tokenizer_spec.TokenizerSpec | None, str]:
    """Returns a checkpoint's tokenizer; and why the library cannot tell its tokens, if so."""
    try:
        spec = tokenizer_choice.resolve(
            tokenizer_choice.Request(),
            directories=checkpoint.directories,
            default=checkpoint.tokenization,
        )
    except errors.VocabularyError as error:
        return None, f"the checkpoint's cannot be read ({error})"
    if spec is None or spec.tokenizer_json is None:
        return spec, "the checkpoint has no tokenizer.json"
    key = "tokenization_sha256"
    recorded = entries.get("made_from", {}).get(manifest.PREPROCESSOR, {}).get(key)
    if recorded != spec.manifest_entries().get(key):
        return None, "it was made with another tokenizer than the checkpoint's"
    return spec, ""


def _with_text(text: bytes, span: tuple[int, int]) -> tuple[int, int]:
    """Gives a token that is white space alone the character behind it, as `tokenizers` does."""
    start, end = span
    if text[start:end].strip() or end >= len(text):
        return span
    character = text[end:].decode(errors="replace")[0]
    return end, end + len(character.encode())
