"""Chooses the heads of a fine-tuned model that an encoder gets: those of its weights, or new ones.

Example:
    request = head_choice.Request(new_head="classify", labels=("no", "yes"))
    chosen = head_choice.choose(request, checkpoint=None, config=config)
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from configs import albert_config, errors, head_config, hub_api
from export.checkpoints import lazy_checkpoint, restore
from export.checkpoints.readers import cross_encoder

NEW_HEADS = (*head_config.KINDS, hub_api.SOP)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What the user says of heads of a fine-tuned model.

    Attributes:
      keep: whether the encoder gets the heads that the weights have.
      new_head: kind of a head with random weights, one of `NEW_HEADS`; None for none.
      labels: of the new head, or in place of those of the weights' head; empty for these.
      problem_type: the same of the problem type of a classifier.
    """

    keep: bool = True
    new_head: str | None = None
    labels: tuple[str, ...] = ()
    problem_type: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chosen:
    """The heads of an encoder.

    Attributes:
      heads: all of them, without those of pre-training.
      untrained: the kinds of those whose weights are random, `sop` included.
      guesses: why each head that is guessed is thought to be it, by kind.
      activation: the class by which the cross-encoder that the weights are scores pairs of texts;
        None if they are none.
    """

    heads: tuple[head_config.HeadConfig, ...] = ()
    untrained: tuple[str, ...] = ()
    guesses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    activation: str | None = None

    @property
    def trained(self) -> tuple[head_config.HeadConfig, ...]:
        """Those whose weights are the checkpoint's."""
        return tuple(head for head in self.heads if head.kind not in self.untrained)

    def notices(self, *, seed: int) -> list[str]:
        """Returns what the user should know; `seed` is that of the random weights."""
        lines = [f"a guess: {guess}" for guess in self.guesses.values()]
        lines += self._of_scores()
        lines += [
            f"the labels of `.{head.kind}` have no names: name them with --labels"
            for head in self.heads
            if len(head.labels) > 1 and head.labels == head_config.default_labels(len(head.labels))
        ]
        return lines + [
            f"`.{kind}` is a new head: its weights are random (seed {seed}) and untrained"
            for kind in self.untrained
        ]

    def _of_scores(self) -> list[str]:
        """Returns in what the scores of a text model differ from a cross-encoder's."""
        head = head_config.by_kind(self.trained).get(head_config.CLASSIFY)
        if head is None or self.activation is None:
            return []
        here = _activation(head)
        if self.activation.startswith("torch.nn.") and self.activation.endswith(f".{here}"):
            return []
        return [
            f"scores of a text model are transformers', {here} of the logits, not "
            f"{self.activation} of them as CrossEncoder of sentence-transformers has it here"
        ]

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of their meaning."""
        found: dict[str, Any] = {}
        labels = {head.kind: list(head.labels) for head in self.heads if head.labels}
        if labels:
            found["labels"] = labels
        for head in self.heads:
            if head.problem_type:
                found["problem_type"] = head.problem_type
            if head.is_beam:
                found["answer_by_beam"] = True
        return found

    def weights_entries(self, *, seed: int) -> dict[str, Any]:
        """Returns what a manifest records of their weights."""
        found: dict[str, Any] = {"guessed_heads": dict(self.guesses)} if self.guesses else {}
        if of_scores := self._of_scores():
            found["head_notices"] = of_scores
        if self.untrained:
            found |= {"untrained_heads": list(self.untrained), "seed": seed}
        return found


def choose(
    request: Request,
    *,
    checkpoint: lazy_checkpoint.Checkpoint | None,
    config: albert_config.AlbertConfig | None,
) -> Chosen:
    """Returns the heads for a request.

    Args:
      request: of the user.
      checkpoint: where the weights come from; None for random ones.
      config: the hyper-parameters of the encoder; None if they are not known.

    Raises:
      errors.ConfigError: the request fits neither the heads of the weights nor itself.
    """
    kept = checkpoint.heads if checkpoint is not None and request.keep else ()
    known = Chosen()
    if checkpoint is not None and kept:
        known = Chosen(
            guesses=checkpoint.found_heads.guesses,
            activation=cross_encoder.activation(checkpoint.config_values, checkpoint.directories),
        )
    if request.new_head is None:
        return dataclasses.replace(known, heads=_described(kept, request))
    if request.new_head in head_config.by_kind(kept):
        raise errors.ConfigError(
            f"the weights have a {request.new_head} head already: leave it out with --nohead to "
            "make a new one"
        )
    is_sop = request.new_head == hub_api.SOP
    if is_sop and checkpoint is not None and restore.has_sop_head(checkpoint):
        raise errors.ConfigError("the weights have a sop head already: leave out --new_head sop")
    needs_pooler = is_sop or head_config.needs_pooler(request.new_head)
    if config is not None and not config.pooler and needs_pooler:
        raise errors.ConfigError(
            f"a {request.new_head} head reads pooled_output, which weights without pooler do not "
            "have"
        )
    if is_sop:
        if problems := _problems(request, hub_api.SOP):
            raise errors.ConfigError("; ".join(problems))
        return dataclasses.replace(known, heads=kept, untrained=(hub_api.SOP,))
    heads = (*kept, _new(request))
    return dataclasses.replace(known, heads=heads, untrained=(request.new_head,))


def _activation(head: head_config.HeadConfig) -> str:
    """Returns what makes scores of a classifier's logits, as torch calls it."""
    if head.problem_type == head_config.REGRESSION:
        return "Identity"
    is_each = head.problem_type == head_config.MULTI_LABEL or len(head.labels) == 1
    return "Sigmoid" if is_each else "Softmax"


def _new(request: Request) -> head_config.HeadConfig:
    kind = str(request.new_head)
    problems = []
    if head_config.is_labelled(kind) and not request.labels:
        problems.append(f"--new_head {kind} needs --labels")
    problems += _problems(request, kind)
    if problems:
        raise errors.ConfigError("; ".join(problems))
    problem_type = request.problem_type
    if kind == head_config.CLASSIFY and problem_type is None:
        problem_type = (
            head_config.REGRESSION if len(request.labels) == 1 else head_config.SINGLE_LABEL
        )
    return head_config.HeadConfig(kind=kind, labels=request.labels, problem_type=problem_type)


def _problems(request: Request, kind: str) -> list[str]:
    problems = []
    if request.labels and not head_config.is_labelled(kind):
        problems.append(f"a {kind} head has no labels, but --labels was given")
    if len(set(request.labels)) < len(request.labels) or not all(request.labels):
        problems.append(f"--labels must be names that differ, got {','.join(request.labels)}")
    if request.problem_type and kind != head_config.CLASSIFY:
        problems.append(f"--problem_type is of a classify head, not of a {kind} head")
    return problems


def _described(
    heads: tuple[head_config.HeadConfig, ...], request: Request
) -> tuple[head_config.HeadConfig, ...]:
    """Returns the heads of the weights with the labels and the problem type of the request."""
    if not request.labels and not request.problem_type:
        return heads
    if len(heads) != 1:
        raise errors.ConfigError(
            "--labels and --problem_type are of a head, but the weights have "
            f"{len(heads) or 'none'}: make one with --new_head"
        )
    head = heads[0]
    problems = _problems(request, head.kind)
    if request.labels and head.labels and len(request.labels) != len(head.labels):
        problems.append(
            f"--labels must be {len(head.labels)}, the logits of the {head.kind} head; "
            f"got {len(request.labels)}"
        )
    if problems:
        raise errors.ConfigError("; ".join(problems))
    return (
        dataclasses.replace(
            head,
            labels=request.labels or head.labels,
            problem_type=request.problem_type or head.problem_type,
        ),
    )
