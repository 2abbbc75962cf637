"""The spec of a text model, checked by what its encoder and its preprocessor record.

Example:
    spec = text_model_spec.TextModelSpec(
        encoder_dir="exports/my_albert/1",
        preprocessor_dir="exports/my_albert_preprocess/1",
        request=text_model_spec.Request(),
    )
    spec.plan.task  # "classify": what the encoder's heads are for
"""

import dataclasses
import functools
import os
from collections.abc import Mapping
from typing import Any

from configs import errors, head_config, hub_api
from configs.pooling import MODES, POOLED, Pooling
from export.artifacts import belonging
from export.checkpoints.readers import sentence_transformers
from export.metadata import manifest

EMBED, FILL_MASK = "embed", "fill_mask"
TASKS = (EMBED, head_config.CLASSIFY, head_config.TAG, head_config.ANSWER, FILL_MASK)
POOLINGS = (POOLED, *MODES)
LONG_TEXTS = ("cut", "mean", "max")
_MAX_SEQ_LENGTH = 512
_ANSWER_SEQ_LENGTH = 384  # of a window, as transformers' pipeline has it
MAX_ANSWER_LENGTH = 30  # tokens, as in google's run_squad
_PIPELINE_ANSWER_LENGTH = 15  # as in transformers' pipeline
_TYPES = (
    "the second of two texts has type 1, as in transformers 4 and in google's code; "
    "transformers 5 gives both type 0 unless token_type_ids are asked for"
)
_WITHOUT_TYPES = (
    "the second of two texts has type 1; transformers gives both type 0 with this tokenizer, whose "
    "model_input_names lacks token_type_ids, unless they are asked for: if the weights were "
    "trained so, answers for two texts differ from theirs"
)
_HEAD_OF_TASK = {FILL_MASK: hub_api.MLM}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a user says of a text model; None for what the weights and their files say.

    Attributes:
      task: one of `TASKS`; None for that of the encoder's heads, or `embed`.
      pooling: of `embed`, one of `POOLINGS`; None for that of a folder of sentence-transformers,
        else `pooled_output`, or the mean where there is no pooler.
      normalize: of `embed`, whether to scale the vectors to length one.
      max_seq_length: tokens after which a text is cut, or of a window, special tokens included;
        None for 512 (of `answer` 384), or the encoder's positions if it has fewer.
      long_texts: of `embed`, whether long texts are cut, or the mean or the maximum of the vectors
        of their parts is taken; one of `LONG_TEXTS`.
      max_answer_length: of `answer`, tokens of the longest answer, which is then widened to whole
        words; None for 15 with weights of transformers, as its pipeline has it, else 30.
      allow_other_tokenization: whether encoder and preprocessor may have different tokenizations.
    """

    task: str | None = None
    pooling: str | None = None
    normalize: bool | None = None
    max_seq_length: int | None = None
    long_texts: str = LONG_TEXTS[0]
    max_answer_length: int | None = None
    allow_other_tokenization: bool = False


class Plan:
    """What a text model of an encoder does.

    Attributes:
      task: one of `TASKS`.
      pooling: from states to vectors.
      length: tokens after which a text is cut, or of a window, special tokens included.
      max_answer_length: of `answer`, tokens.
      is_choice: whether the encoder only chooses between texts, for which there is no task.
      problems: why the encoder cannot do it.
      notices: what the user should know.
    """

    def __init__(
        self,
        request: Request,
        encoder: Mapping[str, Any],
        recipe: sentence_transformers.Recipe | None = None,
    ) -> None:
        """Combines what is said.

        Args:
          request: what the user says.
          encoder: the encoder's manifest.
          recipe: of a folder of sentence-transformers; None without one.
        """
        heads = encoder.get("heads", [])
        has_pooler = encoder.get("default") != "mean"
        positions = encoder.get("config", {}).get("max_position_embeddings", _MAX_SEQ_LENGTH)
        self.task = request.task or task_of(encoder) or EMBED
        usual = _ANSWER_SEQ_LENGTH if self.task == head_config.ANSWER else _MAX_SEQ_LENGTH
        if recipe is not None and recipe.max_seq_length:
            usual = recipe.max_seq_length
        self.length: int = request.max_seq_length or min(usual, positions)
        longest = _PIPELINE_ANSWER_LENGTH if _is_hugging_face(encoder) else MAX_ANSWER_LENGTH
        self.max_answer_length: int = request.max_answer_length or longest
        self.pooling = _pooling(request, recipe, has_pooler=has_pooler)
        self.problems: list[str] = []
        self.notices = _notices(request, encoder, recipe, self.task)
        self.is_choice = request.task is None and head_config.CHOOSE in heads
        if self.is_choice:
            self.problems.append(
                "a head that chooses between texts makes no text model; --task=embed embeds them"
            )
        needed = _HEAD_OF_TASK.get(self.task, self.task)
        if self.task != EMBED and needed not in heads:
            there = ", ".join(f".{head}" for head in heads) or "none"
            self.problems.append(
                f"--task={self.task} needs the head .{needed}; the encoder has {there}"
            )
        has_vectors = recipe is None or recipe.pooling is not None or request.pooling is not None
        if self.task == EMBED:
            self.problems += _without_vectors(self.pooling, has_vectors, has_pooler)
        if self.length > positions:
            self.problems.append(
                f"max_seq_length must be at most {positions}, the encoder's number of positions, "
                f"got {self.length}"
            )
        self.problems += _only_for(request, self.task)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextModelSpec:
    """An encoder, its preprocessor, and what becomes of a text.

    Attributes:
      encoder_dir: folder of an encoder.
      preprocessor_dir: folder of a preprocessor for the same vocabulary.
      request: what the user says.
      recipe: of a folder of sentence-transformers; None without one.

    Raises:
      errors.InputError: lists every problem.
    """

    encoder_dir: str
    preprocessor_dir: str
    request: Request
    recipe: sentence_transformers.Recipe | None = None

    def __post_init__(self) -> None:
        for kind, folder in self._folders().items():
            if not os.path.isfile(os.path.join(folder, "saved_model.pb")):
                raise errors.InputError(
                    f"--{kind} must be the folder of a SavedModel, got {folder!r}"
                )
        problems = [
            f"--{kind} is the folder of an artifact of another kind: {content['artifact']}"
            for kind, content in self.manifests.items()
            if content.get("artifact", kind) != kind
        ]
        problems = problems or [*self.belonging.problems, *self.plan.problems]
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
            allow_other_tokenization=self.request.allow_other_tokenization,
        )

    @functools.cached_property
    def plan(self) -> Plan:
        """What it does."""
        return Plan(self.request, self.manifests[manifest.ENCODER], self.recipe)


def task_of(encoder: Mapping[str, Any]) -> str | None:
    """Returns the task that an encoder's heads are for, by its manifest; None if they say none.

    A masked language model alone, without a pooler, is what AlbertForMaskedLM is.
    """
    heads = encoder.get("heads", [])
    for task in (head_config.CLASSIFY, head_config.TAG, head_config.ANSWER):
        if task in heads:
            return task
    is_masked_lm = heads == [hub_api.MLM] and encoder.get("default") == "mean"
    return FILL_MASK if is_masked_lm else None


def _pooling(
    request: Request, recipe: sentence_transformers.Recipe | None, *, has_pooler: bool
) -> Pooling:
    usual = POOLED if has_pooler else "mean"
    found = (recipe.pooling if recipe is not None else None) or Pooling(modes=(usual,))
    if request.pooling is not None:  # dense layers were trained over another one
        found = dataclasses.replace(found, modes=(request.pooling,), dense=())
    if request.normalize is None:
        return found
    return dataclasses.replace(found, normalize=request.normalize)


def _notices(
    request: Request,
    encoder: Mapping[str, Any],
    recipe: sentence_transformers.Recipe | None,
    task: str,
) -> tuple[str, ...]:
    found = recipe.notices if recipe is not None and task == EMBED else ()
    has_dense = recipe is not None and recipe.pooling is not None and recipe.pooling.dense
    if request.pooling is not None and has_dense:
        found += ("--pooling leaves out the dense layers of the folder of sentence-transformers",)
    if _is_hugging_face(encoder) and task in (head_config.CLASSIFY, head_config.ANSWER):
        found += (_TYPES if encoder.get("has_types", True) else _WITHOUT_TYPES,)
    return found


def _is_hugging_face(encoder: Mapping[str, Any]) -> bool:
    weights = encoder.get("weights", {})
    return weights.get("original_format", weights.get("format")) == "huggingface"


def _without_vectors(pooling: Pooling, has_vectors: bool, has_pooler: bool) -> list[str]:
    problems = []
    if not has_vectors:
        problems.append(
            "the folder of sentence-transformers has no Pooling, and so makes no vectors: say "
            "which with --pooling"
        )
    if POOLED in pooling.modes and not has_pooler:
        problems.append(
            "the encoder has no pooler, and so no pooled_output: give --pooling mean or --pooling "
            "first"
        )
    return problems


def _only_for(request: Request, task: str) -> list[str]:
    """Returns what is said of another task than that of the text model."""
    said = {
        ("--pooling", EMBED): request.pooling is not None,
        ("--normalize", EMBED): request.normalize is not None,
        ("--long_texts", EMBED): request.long_texts != LONG_TEXTS[0],
        ("--max_answer_length", head_config.ANSWER): request.max_answer_length is not None,
    }
    return [
        f"{flag} is for --task={its_task}, not for {task}"
        for (flag, its_task), is_said in said.items()
        if is_said and its_task != task
    ]
