"""Recomputes what a text model should give, from its checkpoint: one text at a time.

Example:
    reference = text_reference.TextReference(
        checkpoint, tensors=tensors, config=config, settings=settings, tokens=tokens
    )
    result = reference.result(text)

The model is transformers' own where it is installed, with its pipelines where the tokenizer is a
tokenizer.json; else that of `numpy_albert`, with `numpy_tasks`.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from configs import albert_config, errors, head_config, hub_api, pooling
from export.artifacts import text_model_spec
from export.checkpoints import lazy_checkpoint
from export.verification import (
    numpy_tasks,
    reference,
    source_tokens,
    text_inputs,
    text_settings,
    transformers_albert,
    transformers_pipelines,
)

_STRIDE = 128  # tokens that two windows of a context share
_NUM_WORDS = 5  # for a mask


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """What a text gives.

    Attributes:
      numbers: arrays by name.
      choices: what is the same or not, by name: a label, entities, an answer.
      margin: by how much of their size the logits that decide on the choices differ at least;
        infinite without any.
    """

    numbers: Mapping[str, np.ndarray]
    choices: Mapping[str, Any]
    margin: float = float("inf")


def prepared(text: str, how: pooling.Pooling) -> str:
    """Returns a text to embed with the prompt, which is lower-cased with it."""
    content = how.prompt + text
    return content.lower() if how.lower_case else content


class TextReference:
    """Computes results.

    Attributes:
      engine: what computes them.
      tensors, config, settings, tokens: as they are given.
    """

    def __init__(
        self,
        checkpoint: lazy_checkpoint.Checkpoint,
        *,
        tensors: Mapping[str, np.ndarray],
        config: albert_config.AlbertConfig,
        settings: text_settings.Settings,
        tokens: source_tokens.Tokens,
    ) -> None:
        """Opens the model.

        Args:
          checkpoint: the checkpoint.
          tensors: its weights by the names of our variables.
          config: its hyper-parameters.
          settings: of the text model.
          tokens: of the checkpoint's tokenizer.
        """
        self.settings = settings
        self.tensors = tensors
        self.config = config
        self.tokens = tokens
        model = None
        if checkpoint.format == "huggingface":
            model = transformers_albert.load(checkpoint)
        self._encode: Callable[[Mapping[str, np.ndarray]], dict[str, Any]]
        engine = reference.NUMPY
        self._pipelines = None
        if model is None:
            self._encode = lambda inputs: reference.by_numpy(
                checkpoint, tensors=tensors, config=config, inputs=inputs
            )
        else:
            self._encode = functools.partial(transformers_albert.encode, model)
            engine = transformers_albert.versions()
            if tokens.tokenizer_json is not None:
                self._pipelines = transformers_pipelines.Pipelines(
                    model, tokenizer_json=tokens.tokenizer_json, max_seq_length=settings.length
                )
        self.engine = f"{engine}; {tokens.engine}"

    def result(self, text: text_inputs.Text) -> Result:
        """Returns what a text gives.

        Raises:
          errors.InputError: the text is not for the task.
        """
        by_task = {
            text_model_spec.EMBED: self._embed,
            head_config.CLASSIFY: self._classify,
            head_config.TAG: self._tag,
            head_config.ANSWER: self._answer,
            text_model_spec.FILL_MASK: self._fill_mask,
        }
        return by_task[self.settings.task](text)

    def _cut(self, ids: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
        room = self.settings.length - 2
        return ids[:room], len(ids) > room

    def _embed(self, text: text_inputs.Text) -> Result:
        how = self.settings.pooling
        ids = self.tokens.encode(prepared(text.first, how)).ids
        room = self.settings.length - 2
        is_cut = self.settings.long_texts == "cut"
        ends = [room] if is_cut else [*range(room, max(len(ids), 1) + room, room)]
        vectors = []
        for end in ends:
            outputs = self._encode(self.tokens.pack(ids[end - room : end]))
            pooled = outputs.get(hub_api.POOLED_OUTPUT, [None])[0]
            states = outputs[hub_api.SEQUENCE_OUTPUT][0]
            vectors.append(numpy_tasks.pool(states, pooled=pooled, modes=how.modes))
        vector = np.max(vectors, 0) if self.settings.long_texts == "max" else np.mean(vectors, 0)
        for layer in how.dense:
            vector = vector @ layer.kernel + layer.bias
            vector = np.tanh(vector) if layer.activation == "tanh" else vector
        if how.normalize:
            vector = vector / max(np.linalg.norm(vector), 1e-12)
        truncated = is_cut and len(ids) > room
        return Result(
            numbers={hub_api.DEFAULT: vector}, choices={hub_api.TRUNCATED: bool(truncated)}
        )

    def _classify(self, text: text_inputs.Text) -> Result:
        if text.second is None:
            ids, truncated = self._cut(self.tokens.encode(text.first).ids)
            inputs = self.tokens.pack(ids)
        else:
            first, second = (self.tokens.encode(one).ids for one in (text.first, text.second))
            room = self.settings.length - 3
            kept = numpy_tasks.cut_pair(
                len(first), len(second), room=room, fairly=self.settings.fair_pairs
            )
            inputs = self.tokens.pack(first[: kept[0]], second[: kept[1]])
            truncated = len(first) + len(second) > room
        logits = self._encode(inputs)[f"{hub_api.CLASSIFY}.{hub_api.LOGITS}"][0]
        scores = numpy_tasks.scores(logits, problem_type=self.settings.problem_type)
        # The pipeline takes an empty second text for none; so do not batches of its tokenizer.
        if self._pipelines is not None and text.second != "":
            scores = self._pipelines.scores(text.first, text.second)
        label = self.settings.labels[int(scores.argmax())]
        return Result(
            numbers={
                hub_api.LOGITS: logits,
                hub_api.SCORES: scores,
                hub_api.SCORE: scores.max(),
            },
            choices={hub_api.LABEL: label, hub_api.TRUNCATED: truncated},
            margin=_margin(logits),
        )

    def _tag(self, text: text_inputs.Text) -> Result:
        encoded = self.tokens.encode(text.first)
        ids, truncated = self._cut(encoded.ids)
        outputs = self._encode(self.tokens.pack(ids))
        logits = outputs[f"{hub_api.TAG}.{hub_api.LOGITS}"][0, 1:-1]  # without [CLS] and [SEP]
        labels = self.settings.labels
        entities = numpy_tasks.entities(logits, labels=labels, spans=encoded.spans[: len(ids)])
        if self._pipelines is not None:
            entities = tuple(
                numpy_tasks.Found(
                    label=label,
                    score=score,
                    span=(len(text.first[:start].encode()), len(text.first[:end].encode())),
                )
                for label, score, start, end in self._pipelines.entities(text.first)
            )
        return Result(
            numbers={hub_api.SCORE: np.array([one.score for one in entities])},
            choices={
                hub_api.ENTITIES: tuple(
                    (one.label, *numpy_tasks.without_white_space(text.first.encode(), one.span))
                    for one in entities
                ),
                hub_api.TRUNCATED: truncated,
            },
            margin=min(map(_margin, logits), default=float("inf")),
        )

    def _answer(self, text: text_inputs.Text) -> Result:
        length = self.settings.length
        stride = min(length // 2, _STRIDE)
        whole = self.tokens.encode(text.first).ids
        question = whole[: length - 3 - stride - 1]
        context = self.tokens.encode(str(text.second))
        room = length - 3 - len(question)
        windows = [
            self._window(question, context.ids[begin:end], begin)
            for begin, end in numpy_tasks.windows(len(context.ids), room=room, stride=stride)
        ]
        found, null_score = numpy_tasks.answers(
            windows,
            text=str(text.second).encode(),
            spans=context.spans,
            words=context.words,
            longest=self.settings.max_answer_length,
        )
        scores = np.array([one.score for one in found] or [0.0])
        return Result(
            numbers={hub_api.SCORE: scores[0], hub_api.NULL_SCORE: np.array(null_score)},
            choices={
                hub_api.ANSWER_TEXT: found[0].span if found else (0, 0),
                hub_api.TRUNCATED: len(whole) > len(question),
            },
            margin=_margin(np.log(np.maximum(scores, 1e-30))),
        )

    def _window(
        self, question: tuple[int, ...], context: tuple[int, ...], first: int
    ) -> numpy_tasks.Window:
        prefix = f"{hub_api.ANSWER}."
        outputs = self._encode(self.tokens.pack(question, context))
        start, ends = (
            outputs[prefix + name][0] for name in (hub_api.START_LOGITS, hub_api.END_LOGITS)
        )
        null = outputs.get(prefix + hub_api.CLS_LOGITS)
        if null is not None:
            positions = outputs[prefix + hub_api.START_POSITIONS][0].tolist()
            ends = dict(zip(positions, ends, strict=True))
        return numpy_tasks.Window(
            start=start,
            end=ends,
            null=None if null is None else float(null[0]),
            offset=len(question) + 2,  # [CLS] question [SEP]
            first=first,
            count=len(context),
        )

    def _fill_mask(self, text: text_inputs.Text) -> Result:
        mask, mask_id = self.settings.mask, self.tokens.mask_id
        ids = self.tokens.encode(text.first).ids
        if mask_id not in ids:
            before, behind = (self.tokens.encode(part).ids for part in text.first.split(mask))
            ids = (*before, mask_id, *behind)
        ids, truncated = self._cut(ids)
        if ids.count(mask_id) != 1:
            raise errors.InputError(
                f"the text {text.first[:60]!r} has not exactly one {mask} within its first "
                f"{self.settings.length - 2} tokens"
            )
        inputs = self.tokens.pack(ids)
        positions = np.array([[1 + ids.index(mask_id)]], np.int32)
        outputs = self._encode({**inputs, hub_api.MASKED_LM_POSITIONS: positions})
        logits = outputs[hub_api.MLM_LOGITS][0, 0]
        best = np.argsort(-logits[: self.tokens.num_pieces], kind="stable")[: _NUM_WORDS + 1]
        words = [self.tokens.text_of(int(number)) for number in best[:_NUM_WORDS]]
        scores = numpy_tasks.softmax(logits)[best[:_NUM_WORDS]]
        if self._pipelines is not None:
            # A row of the vocabulary without a piece has no text.
            found = [one for one in self._pipelines.words(text.first) if one[0]][:_NUM_WORDS]
            words, scores = [word for word, _ in found], np.array([score for _, score in found])
        inner = [word.removeprefix(self.tokens.continues) for word in words]
        return Result(
            numbers={hub_api.SCORES: scores},
            choices={
                hub_api.TOKENS: tuple(words),
                hub_api.SENTENCES: tuple(text.first.replace(mask, one, 1) for one in inner),
                hub_api.TRUNCATED: truncated,
            },
            margin=min(_margin(logits[best[n : n + 2]]) for n in range(len(best) - 1)),
        )


def _margin(values: np.ndarray) -> float:
    """Returns by how much, of their size, the largest is above the next; infinite if it is alone.

    Sizes below 1 count as 1, as for tolerances.
    """
    highest = np.sort(np.ravel(values))[::-1]
    if len(highest) < 2:
        return float("inf")
    return float(highest[0] - highest[1]) / max(1.0, float(np.abs(highest).max()))
