"""What a loaded text model gives for texts, in the form of `text_reference.Result`.

Example:
    results = text_results.of(module, texts, task="classify", batch=16)
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import errors, head_config, hub_api
from export.artifacts import text_model_spec
from export.verification import text_inputs
from export.verification.text_reference import Result

_QUOTES = b"\"'`"
_Outputs = Mapping[str, np.ndarray]


def of(module: Any, texts: Sequence[text_inputs.Text], *, task: str, batch: int) -> list[Result]:
    """Returns the results of the signatures, and the logits of the callables.

    Args:
      module: the loaded text model.
      texts: the texts.
      task: one of `text_model_spec.TASKS`.
      batch: texts in a batch.

    Raises:
      errors.VerificationError: TensorFlow raises an error.
    """
    import tensorflow as tf

    results: dict[int, Result] = {}
    for is_pair in (False, True):
        numbers = [n for n, text in enumerate(texts) if (text.second is not None) == is_pair]
        for begin in range(0, len(numbers), batch):
            chosen = numbers[begin : begin + batch]
            try:
                outputs = _run(module, [texts[n] for n in chosen], task)
            except tf.errors.OpError as error:
                raise errors.VerificationError(
                    f"the text model fails on a text: {errors.first_line(error)}"
                ) from error
            for row, number in enumerate(chosen):
                one = {name: array[row] for name, array in outputs.items()}
                results[number] = _RESULTS[task](one)
    return [results[number] for number in range(len(texts))]


def _run(module: Any, texts: Sequence[text_inputs.Text], task: str) -> _Outputs:
    import tensorflow as tf

    first = tf.constant([text.first for text in texts])
    names, signature = [hub_api.SENTENCES], hub_api.SERVING_DEFAULT
    if task == head_config.ANSWER:
        names = [hub_api.QUESTIONS, hub_api.CONTEXTS]
    elif texts[0].second is not None:
        names, signature = [hub_api.FIRST, hub_api.SECOND], hub_api.PAIRS
    inputs = {names[0]: first}
    if len(names) > 1:
        inputs[names[1]] = tf.constant([str(text.second) for text in texts])
    outputs = dict(module.signatures[signature](**inputs))
    if task == head_config.CLASSIFY:
        results = module.pairs(inputs) if len(names) > 1 else module(first)
        outputs[hub_api.LOGITS] = results[hub_api.LOGITS]
    return {name: output.numpy() for name, output in outputs.items()}


def _embedded(one: _Outputs) -> Result:
    return Result(
        numbers={hub_api.DEFAULT: one[hub_api.DEFAULT]},
        choices={hub_api.TRUNCATED: bool(one[hub_api.TRUNCATED])},
    )


def _classified(one: _Outputs) -> Result:
    names = (hub_api.LOGITS, hub_api.SCORES, hub_api.SCORE)
    return Result(
        numbers={name: one[name] for name in names},
        choices={
            hub_api.LABEL: _text(one[hub_api.LABEL]),
            hub_api.TRUNCATED: bool(one[hub_api.TRUNCATED]),
        },
    )


def _tagged(one: _Outputs) -> Result:
    count = int(one[hub_api.COUNT])
    columns = (one[name][:count].tolist() for name in (hub_api.LABEL, hub_api.START, hub_api.END))
    return Result(
        numbers={hub_api.SCORE: one[hub_api.SCORE][:count]},
        choices={
            hub_api.ENTITIES: tuple(
                (_text(label), start, end) for label, start, end in zip(*columns, strict=True)
            ),
            hub_api.TRUNCATED: bool(one[hub_api.TRUNCATED]),
        },
    )


def _answered(one: _Outputs) -> Result:
    return Result(
        numbers={name: one[name] for name in (hub_api.SCORE, hub_api.NULL_SCORE)},
        choices={
            hub_api.ANSWER_TEXT: (int(one[hub_api.START]), int(one[hub_api.END])),
            hub_api.TRUNCATED: bool(one[hub_api.TRUNCATED]),
        },
    )


def _filled(one: _Outputs) -> Result:
    return Result(
        numbers={hub_api.SCORES: one[hub_api.SCORES]},
        choices={
            **{name: tuple(map(_text, one[name])) for name in (hub_api.TOKENS, hub_api.SENTENCES)},
            hub_api.TRUNCATED: bool(one[hub_api.TRUNCATED]),
        },
    )


_RESULTS = {
    text_model_spec.EMBED: _embedded,
    head_config.CLASSIFY: _classified,
    head_config.TAG: _tagged,
    head_config.ANSWER: _answered,
    text_model_spec.FILL_MASK: _filled,
}


def _text(value: Any) -> str:
    return value.decode(errors="replace")


def comparable(text: text_inputs.Text, choices: Mapping[str, Any]) -> dict[str, Any]:
    """Returns choices with spans of whole characters, and answers as texts.

    The tokenizers library cuts the last mark or the first of doubled quotes off a span. We keep
    characters whole: both are widened, so that nothing else may differ.
    """
    found = dict(choices)
    if hub_api.ENTITIES in found:
        content = text.first.encode()
        entities = ((label, *_widened(content, *span)) for label, *span in found[hub_api.ENTITIES])
        found[hub_api.ENTITIES] = tuple(entities)
    if hub_api.ANSWER_TEXT in found:
        content = str(text.second).encode()
        start, end = _widened(content, *found[hub_api.ANSWER_TEXT])
        found[hub_api.ANSWER_TEXT] = content[start:end].decode(errors="replace")
    return found


def _widened(content: bytes, start: int, end: int) -> tuple[int, int]:
    """Returns a span with the marks of its last character, and all of its first quotes."""
    while 0 < start < end and content[start] in _QUOTES and content[start - 1] == content[start]:
        start -= 1
    if start < end:
        for character in content[end:].decode(errors="replace"):
            if not unicodedata.category(character).startswith("M"):
                break
            end += len(character.encode())
    return start, end
