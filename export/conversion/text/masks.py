"""Masks in the texts of a text model that fills them in.

Example:
    engine = masks.Engine(engine, {"[MASK]": 4})  # which makes a token of it
    masks.candidates("We sail to the coast.", "[MASK]")[0]  # "We sail [MASK] the coast."
"""

from collections.abc import Mapping
from typing import Any


class Engine:
    """A tokenizer whose texts are split at a mask, as in export/tasks/fill_mask.py."""

    def __init__(self, engine: Any, tokens: Mapping[str, int]) -> None:
        """Takes the tokenizer, and the id of the mask by its text."""
        self._engine = engine
        ((self._mask, self._mask_id),) = tokens.items()

    def normalize(self, sentences: Any) -> Any:
        """Returns what is segmented, string [B], of string [B]."""
        return self._engine.normalize(sentences)

    def encode(self, sentences: Any) -> Any:
        """Returns the ids, int32 [B, (tokens)], of string [B]."""
        from export.tasks import fill_mask

        return fill_mask.with_masks(
            sentences, tokenize=self._engine.encode, mask=self._mask, mask_id=self._mask_id
        )


def candidates(text: str, mask: str) -> list[str]:
    """Returns a text if it has the mask; else with it in the middle, and with it as first word."""
    if mask in text:
        return [text]
    words = text.split(" ")
    middle = len(words) // 2
    return [" ".join([*words[:middle], mask, *words[middle + 1 :]]), f"{mask} {text}"]
