"""How a text model was made, as its manifest records it.

Example:
    settings = text_settings.read(manifest.read(directory), head=head, pooling=pooling)
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from configs import head_config, tokenizations
from configs.pooling import Pooling
from export.artifacts import text_model_spec
from export.metadata import manifest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How a text model was made, as its manifest records it.

    Attributes:
      task: one of `text_model_spec.TASKS`.
      length: tokens after which a text is cut, or of a window, special tokens included.
      labels: in the order of the logits.
      problem_type: of a classifier.
      mask: the mask token's text.
      fair_pairs: how a pair is cut, see `numpy_tasks.cut_pair`.
      pooling: of `embed`.
      long_texts: of `embed`.
      max_answer_length: of `answer`, tokens.
    """

    task: str
    length: int
    labels: tuple[str, ...]
    problem_type: str
    mask: str
    fair_pairs: bool
    pooling: Pooling
    long_texts: str
    max_answer_length: int


def read(
    entries: Mapping[str, Any], *, head: head_config.HeadConfig | None, pooling: Pooling
) -> Settings:
    """Returns the settings that a manifest records.

    Args:
      entries: the manifest.
      head: the head in the checkpoint, whose labels count where they have names; None if none.
      pooling: of `embed`.
    """
    labels = tuple(entries.get("labels", ()))
    if head is not None and head.labels != head_config.default_labels(len(head.labels)):
        labels = head.labels
    made_from = entries["made_from"][manifest.PREPROCESSOR]
    return Settings(
        task=entries["task"],
        length=entries["max_seq_length"],
        labels=labels,
        problem_type=entries.get("problem_type", ""),
        mask=entries.get("mask", ""),
        fair_pairs=made_from.get("tokenization") == tokenizations.HUGGING_FACE,
        pooling=pooling,
        long_texts=entries.get("long_texts", text_model_spec.LONG_TEXTS[0]),
        max_answer_length=entries.get("max_answer_length", text_model_spec.MAX_ANSWER_LENGTH),
    )
