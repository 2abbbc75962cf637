"""Strings that a converted text model and its source are both run on.

Example:
    found, tokenizer = text_batches.make(source, texts=None)
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import errors, hub_api
from export.artifacts import text_model_spec
from export.conversion import batches
from export.conversion.text import compiled_tokenizer, masks, text_source

_BATCH = 8
_LONG = 40  # times a text, which is longer than any model takes


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextBatch(batches.Batch):
    """Strings [B] as `sentences`, and as `first` and `second` of a pair.

    Attributes:
      token_counts: the numbers of their tokens, before they are cut.
    """

    token_counts: tuple[int, ...]

    @property
    def num_rows(self) -> int:
        """The number of its texts."""
        return len(self.token_counts)

    @property
    def num_tokens(self) -> int:
        """The number of tokens of its texts."""
        return sum(self.token_counts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """How the tokenizer of a converted text model compares with the source's.

    Attributes:
      entries: what a manifest records of it.
      notices: what the user should know.
    """

    entries: Mapping[str, Any]
    notices: Sequence[str]


def make(
    source: text_source.TextModel, *, texts: Sequence[str] | None
) -> tuple[list[batches.Batch], Tokenizer]:
    """Returns batches of the texts that have the same ids, and how tokenizers compare.

    Args:
      source: the text model.
      texts: None for the built-in ones, an empty and a long one.

    Raises:
      errors.InputError: the text model cannot be converted.
    """
    source.check_convertible()
    compiled = source.compiled
    found = list(texts or (*batches.TEXTS, "", " ".join([batches.TEXTS[0]] * _LONG)))
    if source.task == text_model_spec.FILL_MASK:
        found = _with_masks(source, found)
    left_out = source.with_other_ids(found)
    kept = [text for text in found if text not in set(left_out)]
    if not kept:
        raise errors.InputError(
            f"none of the {len(found)} texts can be compared, because the ids of all differ in the "
            f"other runtime, such as those of {found[0]!r}: give other --texts"
        )
    made: list[batches.Batch] = []
    for start in range(0, len(kept), _BATCH):
        part = kept[start : start + _BATCH]
        before = [kept[start + number - 1] for number in range(len(part))]
        of_inputs = {hub_api.SENTENCES: part, hub_api.FIRST: before, hub_api.SECOND: part}
        inputs = {name: np.array(strings, np.str_) for name, strings in of_inputs.items()}
        counts = tuple(map(len, compiled_tokenizer.ids(source.engine, part)))
        made.append(TextBatch(inputs=inputs, is_text=True, token_counts=counts))
    notices = [*compiled.notices]
    if left_out:
        notices.append(
            f"{len(left_out)} of {len(found)} texts are not compared, because their ids differ"
        )
    entries = {**compiled.manifest_entries(), "texts_left_out": len(left_out)}
    return made, Tokenizer(entries=entries, notices=notices)


def _with_masks(source: text_source.TextModel, texts: Sequence[str]) -> list[str]:
    """Returns the texts with one mask each, where the model finds it."""
    found = [masks.candidates(text, source.mask) for text in texts]
    flat = list(itertools.chain(*found))
    mask_id, room = source.tokenizer.described.mask_id, source.room(1)
    rows = compiled_tokenizer.ids(source.engine, flat)
    good = {text for text, row in zip(flat, rows, strict=True) if row[:room].count(mask_id) == 1}
    chosen = [next((text for text in part if text in good), None) for part in found]
    if None in chosen:
        raise errors.InputError(
            f"each text must have at most one {source.mask}, and within its first {room} tokens, "
            f"unlike {texts[chosen.index(None)]!r}"
        )
    return [text for text in chosen if text is not None]
