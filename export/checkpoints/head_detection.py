"""Finds the heads of a fine-tuned model in a checkpoint, and which they are.

Example:
    found = head_detection.find(shapes, checkpoint_format="tf1", config={}, told={})
    found.kinds, found.guesses

Sources give the same names to weights of different heads: `classifier.weight` is of three of
transformers' models. Which one it is follows from what the files say (`architectures`), or from the
shapes. Where neither tells, it is a guess, which the user is told.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from configs import head_config
from export.checkpoints import mapping, weight_table

_CLASSES = {
    "ForSequenceClassification": head_config.CLASSIFY,
    head_config.MULTI_LABEL_CLASS: head_config.CLASSIFY,
    "ForTokenClassification": head_config.TAG,
    "ForQuestionAnswering": head_config.ANSWER,
    "ForMultipleChoice": head_config.CHOOSE,
}
_BEAM = "_beam"

_Shapes = Mapping[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """Heads of a fine-tuned model.

    Attributes:
      counts: the number of their logits, by the scope of their variables.
      guesses: why each head that is guessed is thought to be it, by kind.
    """

    counts: Mapping[str, int]
    guesses: Mapping[str, str]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Their kinds."""
        return tuple(map(_kind, self.counts))

    def configs(
        self, config: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]]
    ) -> tuple[head_config.HeadConfig, ...]:
        """Returns the heads with what config and files say of each, see `find`.

        Raises:
          errors.ConfigError: the labels do not fit, or the problem type is not known.
        """
        heads = []
        for scope, count in self.counts.items():
            kind = _kind(scope)
            said = {**config, **told.get(kind, {})}
            labels: tuple[str, ...] = ()
            problem_type = None
            if head_config.is_labelled(kind):
                labels = said.get("labels") or head_config.labels_of(said, count)
            if kind == head_config.CLASSIFY:
                problem_type = head_config.problem_type_of(said)
            heads.append(
                head_config.HeadConfig(
                    kind=kind,
                    labels=labels,
                    problem_type=problem_type,
                    is_beam=scope.endswith(f"{_BEAM}/"),
                )
            )
        return tuple(heads)


def find(
    shapes: _Shapes,
    *,
    checkpoint_format: str,
    config: Mapping[str, Any],
    told: Mapping[str, Mapping[str, Any]],
) -> Found:
    """Returns the heads that the weights have, or a part of.

    Args:
      shapes: of the tensors, by canonical name.
      checkpoint_format: the kind of source.
      config: the content of the config that comes with the weights.
      told: the kinds that other files name, each with what they say of it: `labels` and
        `problem_type`.
    """
    by_names: dict[frozenset[str], list[str]] = {}
    for scope in weight_table.FINE_TUNED_HEADS:
        names = mapping.names_with_prefix(scope, checkpoint_format=checkpoint_format)
        present = frozenset(names & set(shapes))
        if present:
            by_names.setdefault(present, []).append(scope)
    poolers = mapping.names_with_prefix(weight_table.POOLER, checkpoint_format=checkpoint_format)
    named = {*told, *_architectures(config)}
    counts, guesses = {}, {}
    for rivals in by_names.values():
        count = mapping.label_count(rivals[0], shapes, checkpoint_format=checkpoint_format)
        fitting = [scope for scope in rivals if _kind(scope) != head_config.CHOOSE or count == 1]
        sure = [scope for scope in rivals if _kind(scope) in named] or fitting
        if len(sure) > 1:
            scope = _guess(fitting, count, not poolers.isdisjoint(shapes), config)
            others = " or ".join(f"`.{_kind(other)}`" for other in fitting if other != scope)
            guesses[_kind(scope)] = (
                f"neither config nor weights say which head theirs is: taken for "
                f"`.{_kind(scope)}`, could be {others}; say it with `architectures` in the config"
            )
            sure = [scope]
        counts[sure[0]] = count
    return Found(counts=counts, guesses=guesses)


def _kind(scope: str) -> str:
    return scope.removeprefix("cls/").removesuffix("/").removesuffix(_BEAM)


def _architectures(config: Mapping[str, Any]) -> set[str]:
    """Returns the kinds of the heads of transformers' models that a config names."""
    return {
        kind
        for end, kind in _CLASSES.items()
        for name in head_config.architectures(config)
        if name.endswith(end)
    }


def _guess(scopes: list[str], count: int, has_pooler: bool, config: Mapping[str, Any]) -> str:
    """Returns the likeliest of several heads.

    Without pooler it labels tokens. One logit is that of a choice, unless the config speaks of
    regression.
    """
    by_kind = {_kind(scope): scope for scope in scopes}
    if head_config.TAG in by_kind and not has_pooler:
        return by_kind[head_config.TAG]
    named = config.get("id2label")  # what is no mapping is refused with the labels
    has_one_label = isinstance(named, Mapping) and len(named) == 1
    is_one_label = config.get("problem_type") or has_one_label
    if head_config.CHOOSE in by_kind and count == 1 and not is_one_label:
        return by_kind[head_config.CHOOSE]
    return by_kind[head_config.CLASSIFY]
