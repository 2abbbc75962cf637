"""The heads of fine-tuned models: their kinds, labels, and what their logits mean.

Example:
    head = head_config.HeadConfig(kind="classify", labels=("no", "yes"))
    head.scope  # "cls/classify/", where its variables are
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors, hub_api

CLASSIFY = hub_api.CLASSIFY  # one label for a text, or several, or a number
TAG = hub_api.TAG  # a label for each token
ANSWER = hub_api.ANSWER  # the start and the end of an answer
CHOOSE = hub_api.CHOOSE  # one of several texts
KINDS = (CLASSIFY, TAG, ANSWER, CHOOSE)

SINGLE_LABEL = "single_label_classification"
MULTI_LABEL = "multi_label_classification"
REGRESSION = "regression"
# End of the name of simpletransformers' class, which writes no `problem_type`.
MULTI_LABEL_CLASS = "ForMultiLabelSequenceClassification"
PROBLEM_TYPES = (SINGLE_LABEL, MULTI_LABEL, REGRESSION)

_LABELLED = (CLASSIFY, TAG)
_POOLED = (CLASSIFY, CHOOSE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """One head of a fine-tuned model. An encoder has at most one of each kind.

    Attributes:
      kind: one of `KINDS`, the attribute of an encoder that the head is.
      labels: what the logits are of, in their order; empty for `ANSWER` and `CHOOSE`.
      problem_type: one of `PROBLEM_TYPES` for `CLASSIFY`; None for the others.
      is_beam: of `ANSWER`, whether the ends depend on the starts, as in run_squad_v2.

    Raises:
      errors.ConfigError: lists what does not fit.
    """

    kind: str
    labels: tuple[str, ...] = ()
    problem_type: str | None = None
    is_beam: bool = False

    def __post_init__(self) -> None:
        problems = []
        if self.kind not in KINDS:
            problems.append(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.kind in _LABELLED and not self.labels:
            problems.append(f"a {self.kind} head needs labels")
        if self.kind not in _LABELLED and self.labels:
            problems.append(f"a {self.kind} head has no labels, got {', '.join(self.labels)}")
        if (self.kind == CLASSIFY) != (self.problem_type is not None):
            problems.append(f"problem_type is {self.problem_type!r} for a {self.kind} head")
        elif self.problem_type not in (None, *PROBLEM_TYPES):
            types = ", ".join(PROBLEM_TYPES)
            problems.append(f"problem_type must be one of {types}, got {self.problem_type!r}")
        if problems:
            raise errors.ConfigError(errors.listing("invalid head", problems))

    @property
    def scope(self) -> str:
        """Start of the names of its variables."""
        return f"cls/{self.kind}{'_beam' if self.is_beam else ''}/"


def is_labelled(kind: str) -> bool:
    """Returns whether heads of this kind have labels."""
    return kind in _LABELLED


def needs_pooler(kind: str) -> bool:
    """Returns whether heads of this kind read `pooled_output`."""
    return kind in _POOLED


def labels_of(config: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """Returns the labels of `count` logits that a config names, as transformers names them.

    Args:
      config: may have `id2label`, or `label2id` alone. Without, they are `LABEL_0`, ...
      count: the number of logits.

    Raises:
      errors.ConfigError: the config names others than 0 to `count` - 1, or one label twice.
    """
    named = config.get("id2label")
    if named is None and isinstance(config.get("label2id"), Mapping):
        named = {number: label for label, number in config["label2id"].items()}
    if named is None:
        return default_labels(count)
    try:
        by_number = {int(number): label for number, label in dict(named).items()}
    except (TypeError, ValueError) as error:
        raise errors.ConfigError(f"id2label is not a mapping of numbers, got {named!r}") from error
    if sorted(by_number) != list(range(count)):
        numbers = ", ".join(map(str, sorted(by_number)))
        raise errors.ConfigError(
            f"id2label must name 0 to {count - 1}, as the head has {count} logits; got {numbers}"
        )
    labels = tuple(by_number[number] for number in range(count))
    if not all(isinstance(one, str) and one for one in labels) or len(set(labels)) < count:
        raise errors.ConfigError(
            f"id2label must give each logit a name of its own, got {labels}; or name them: --labels"
        )
    return labels


def default_labels(count: int) -> tuple[str, ...]:
    """Returns `LABEL_0`, `LABEL_1`, ..., as transformers calls labels without a name."""
    return tuple(f"LABEL_{number}" for number in range(count))


def problem_type_of(config: Mapping[str, Any]) -> str:
    """Returns the problem type of a classifier: the config's, or that of the class it names.

    Without either it is of single labels, as in transformers' pipeline, also where there is one
    logit: training a regression writes it into the config.
    """
    said = config.get("problem_type")
    if said:
        return said
    is_multi_label = any(name.endswith(MULTI_LABEL_CLASS) for name in architectures(config))
    return MULTI_LABEL if is_multi_label else SINGLE_LABEL


def architectures(config: Mapping[str, Any]) -> list[str]:
    """Returns the names of the classes that a config of transformers says."""
    names = config.get("architectures")
    return [str(name) for name in names] if isinstance(names, list) else []


def by_kind(heads: Sequence[HeadConfig]) -> dict[str, HeadConfig]:
    """Returns the heads by their kind."""
    return {head.kind: head for head in heads}
