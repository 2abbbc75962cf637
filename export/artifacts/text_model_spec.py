"""The spec of a text model, checked by what its encoder and its preprocessor record.

Example:
    spec = text_model_spec.TextModelSpec(
        encoder_dir="exports/my_albert/1", preprocessor_dir="exports/my_albert_preprocess/1"
    )
    spec.task  # "classify": what the encoder's heads are for
"""

import dataclasses
import functools
import os
from typing import Any

from configs import errors, head_config, hub_api
from configs.pooling import POOLED, Pooling
from export.artifacts import belonging
from export.metadata import manifest

EMBED, FILL_MASK = "embed", "fill_mask"
TASKS = (EMBED, head_config.CLASSIFY, head_config.TAG, head_config.ANSWER, FILL_MASK)
LONG_TEXTS = ("cut", "mean", "max")
_MAX_SEQ_LENGTH = 512
_ANSWER_SEQ_LENGTH = 384  # of a window, as transformers' pipeline has it
_HEAD_OF_TASK = {FILL_MASK: hub_api.MLM}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextModelSpec:
    """An encoder, its preprocessor, and what becomes of a text.

    Attributes:
      encoder_dir: folder of an encoder.
      preprocessor_dir: folder of a preprocessor for the same vocabulary.
      requested_task: one of `TASKS`; None for that of the encoder's heads.
      pooling: of `embed`; None for `pooled_output`, or the mean without a pooler.
      max_seq_length: tokens after which a text is cut, or of a window, special tokens included;
        None for 512 (of `answer` 384), or the encoder's positions if it has fewer.
      long_texts: of `embed`, whether long texts are cut, or the mean or the maximum of the vectors
        of their parts is taken; one of `LONG_TEXTS`.
      allow_other_tokenization: whether encoder and preprocessor may have different tokenizations.

    Raises:
      errors.InputError: lists every problem.
    """

    encoder_dir: str
    preprocessor_dir: str
    requested_task: str | None = None
    pooling: Pooling | None = None
    max_seq_length: int | None = None
    long_texts: str = LONG_TEXTS[0]
    allow_other_tokenization: bool = False

    def __post_init__(self) -> None:
        for kind, folder in self._folders().items():
            if not os.path.isfile(os.path.join(folder, "saved_model.pb")):
                raise errors.InputError(
                    f"--{kind} must be the folder of a SavedModel, got {folder!r}"
                )
        problems = [*self.belonging.problems, *self._problems()]
        if problems:
            raise errors.InputError("; ".join(problems))

    def _folders(self) -> dict[str, str]:
        return {manifest.ENCODER: self.encoder_dir, manifest.PREPROCESSOR: self.preprocessor_dir}

    @functools.cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """The manifests of the encoder and the preprocessor, by kind."""
        return {kind: manifest.read(folder) for kind, folder in self._folders().items()}

    @functools.cached_property
    def belonging(self) -> belonging.Belonging:
        """Whether encoder and preprocessor belong together."""
        return belonging.check(
            self.encoder_dir,
            self.preprocessor_dir,
            allow_other_tokenization=self.allow_other_tokenization,
        )

    @property
    def task(self) -> str:
        """What the model does with a text."""
        return self.requested_task or task_of(self.manifests[manifest.ENCODER]) or EMBED

    @property
    def length(self) -> int:
        """Tokens after which a text is cut, or of a window, special tokens included."""
        usual = _ANSWER_SEQ_LENGTH if self.task == head_config.ANSWER else _MAX_SEQ_LENGTH
        return self.max_seq_length or min(usual, self._positions)

    @property
    def resolved_pooling(self) -> Pooling:
        """From states to vectors."""
        if self.pooling is not None:
            return self.pooling
        mode = POOLED if self._has_pooler else "mean"
        return Pooling(modes=(mode,))

    @property
    def _has_pooler(self) -> bool:
        return self.manifests[manifest.ENCODER].get("default") != "mean"

    @property
    def _positions(self) -> int:
        config = self.manifests[manifest.ENCODER].get("config", {})
        return config.get("max_position_embeddings", _MAX_SEQ_LENGTH)

    def _problems(self) -> list[str]:
        problems = [
            f"--{kind} is the folder of an artifact of another kind: {content['artifact']}"
            for kind, content in self.manifests.items()
            if content.get("artifact", kind) != kind
        ]
        encoder = self.manifests[manifest.ENCODER]
        heads = encoder.get("heads", [])
        task = self.task
        if self.requested_task is None and head_config.CHOOSE in heads:
            problems.append(
                "a head that chooses between texts makes no text model; give --task=embed to embed "
                "them"
            )
        needed = _HEAD_OF_TASK.get(task, task)
        if task != EMBED and needed not in heads:
            there = ", ".join(f".{head}" for head in heads) or "none"
            problems.append(f"--task={task} needs the head .{needed}; the encoder has {there}")
        if POOLED in self.resolved_pooling.modes and not self._has_pooler:
            problems.append(
                "the encoder has no pooler, and so no pooled_output: give --pooling mean or "
                "--pooling first"
            )
        if self.long_texts != LONG_TEXTS[0] and task != EMBED:
            problems.append(f"--long_texts is for --task=embed, not for {task}")
        if self.length > self._positions:
            problems.append(
                f"max_seq_length must be at most {self._positions}, the encoder's number of "
                f"positions, got {self.length}"
            )
        return problems


def task_of(encoder: dict[str, Any]) -> str | None:
    """Returns the task that an encoder's heads are for, by its manifest; None if they say none.

    A masked language model alone, without a pooler, is what AlbertForMaskedLM is.
    """
    heads = encoder.get("heads", [])
    for task in (head_config.CLASSIFY, head_config.TAG, head_config.ANSWER):
        if task in heads:
            return task
    is_masked_lm = heads == [hub_api.MLM] and encoder.get("default") == "mean"
    return FILL_MASK if is_masked_lm else None
