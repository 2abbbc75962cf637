"""From a text's tokens to the answer in plain Python, as transformers' pipelines have it.

Example:
    entities = numpy_tasks.entities(logits, labels=labels, spans=spans)

Written from transformers' pipelines (text_classification.py, token_classification.py,
question_answering.py) and sentence-transformers' Pooling.py, not from our TensorFlow code: nothing
here may be shared with `export/tasks`. One text at a time.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from configs import head_config

Span = tuple[int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """An entity, or an answer.

    Attributes:
      label: of an entity; empty for an answer.
      score: its probability.
      span: the bytes of the text where it starts and ends.
    """

    label: str
    score: float
    span: Span


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities over the last axis."""
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def scores(logits: np.ndarray, *, problem_type: str) -> np.ndarray:
    """Returns the scores [C] of labels from logits [C]."""
    if problem_type == head_config.REGRESSION:
        return logits
    if problem_type == head_config.MULTI_LABEL or len(logits) == 1:
        return 1 / (1 + np.exp(-logits))
    return softmax(logits)


def cut_pair(first: int, second: int, *, room: int, fairly: bool) -> tuple[int, int]:
    """Returns how many tokens of two texts stay in a room for both.

    Args:
      first: number of tokens of the first.
      second: of the second.
      room: the largest sum.
      fairly: whether tokens are taken from the longer one as long as it is longer, and then from
        the second, as `longest_first` of the tokenizers library has it; else the room is handed
        out one by one, as TensorFlow Text's RoundRobinTrimmer does it.
    """
    if first + second <= room:
        return first, second
    if fairly:
        shorter, longer = min(first, second), max(first, second)
        if shorter > room - shorter:  # both are longer than half of the room
            shorter, longer = room // 2, room - room // 2
        else:
            longer = room - shorter
        return (longer, shorter) if first > second else (shorter, longer)
    kept = [0, 0]
    turn = 0
    while sum(kept) < room:
        if kept[turn] < (first, second)[turn]:
            kept[turn] += 1
        turn = 1 - turn
    return kept[0], kept[1]


def entities(
    logits: np.ndarray, *, labels: Sequence[str], spans: Sequence[Span]
) -> tuple[Found, ...]:
    """Returns the entities of a text: aggregation_strategy="simple".

    Args:
      logits: [T, C], of the text's own tokens.
      labels: in the order of the logits.
      spans: of the tokens.
    """
    groups: list[list[int]] = []
    kinds: list[str] = []
    probabilities = softmax(logits)
    for token, best in enumerate(logits.argmax(-1)):
        begins = labels[best].startswith("B-")
        kind = labels[best][2:] if labels[best].startswith(("B-", "I-")) else labels[best]
        if groups and kind == kinds[-1] and not begins:
            groups[-1].append(token)
        else:
            groups.append([token])
            kinds.append(kind)
    found = []
    for group in groups:
        label = labels[logits[group[0]].argmax()].split("-", 1)[-1]
        span = (spans[group[0]][0], spans[group[-1]][1])
        score = float(np.mean([probabilities[token].max() for token in group]))
        if label != "O":
            found.append(Found(label=label, score=score, span=span))
    return tuple(found)


def without_white_space(text: bytes, span: Span) -> Span:
    """Returns a span of a text, in bytes, without the white space at its ends."""
    start, end = span
    content = text[start:end].decode(errors="surrogateescape")
    start = end - len(content.lstrip().encode(errors="surrogateescape"))
    return start, start + len(content.strip().encode(errors="surrogateescape"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Window:
    """A window of a context, with the logits of its question and itself.

    Attributes:
      start: logits [S] of starts.
      end: logits of ends: [S], or where they depend on the start, by the position of a start.
      null: the logit that there is no answer, where there is one of its own.
      offset: the position of its first token.
      first: the number of that token in the context.
      count: the number of its tokens.
    """

    start: np.ndarray
    end: np.ndarray | Mapping[int, np.ndarray]
    null: float | None
    offset: int
    first: int
    count: int


_SPANS = 12  # of a window
_IMPOSSIBLE = -10000.0


def windows(tokens: int, *, room: int, stride: int) -> list[Span]:
    """Returns the first and the last token but one of each window of a context.

    Args:
      tokens: the number of the context's tokens.
      room: tokens of a window.
      stride: tokens that two share.
    """
    found = [(0, min(room, tokens))]
    while found[-1][1] < tokens:
        begin = found[-1][0] + room - stride
        found.append((begin, min(begin + room, tokens)))
    return found


def answers(
    found: Sequence[Window],
    *,
    text: bytes,
    spans: Sequence[Span],
    words: Sequence[int],
    longest: int,
) -> tuple[tuple[Found, ...], float]:
    """Returns the answers from the best on, and the smallest probability that there is none.

    Args:
      found: the windows of a context.
      text: the context.
      spans: of its tokens.
      words: of its tokens.
      longest: tokens of the longest answer.
    """
    by_text: dict[str, Found] = {}
    nulls = []
    for window in found:
        candidates, null = _candidates(window, longest)
        nulls.append(null)
        for score, first, last in candidates:
            inside = range(window.first, window.first + window.count)
            start = min(t for t in inside if words[t] == words[first])
            end = max(t for t in inside if words[t] == words[last])
            span = without_white_space(text, (spans[start][0], spans[end][1]))
            key = text[slice(*span)].decode(errors="replace").lower()
            if key in by_text:
                one = by_text[key]
                by_text[key] = dataclasses.replace(one, score=one.score + score)
            else:
                by_text[key] = Found(label="", score=score, span=span)
    return tuple(sorted(by_text.values(), key=lambda one: -one.score)), min(nulls)


def _candidates(window: Window, longest: int) -> tuple[list[tuple[float, int, int]], float]:
    """Returns score, first and last token of the best spans, and the score of no answer."""
    inside = range(window.offset, window.offset + window.count)
    possible = np.array([p in inside or p == 0 for p in range(len(window.start))])
    start = softmax(np.where(possible, window.start, _IMPOSSIBLE))
    ends = window.end if isinstance(window.end, Mapping) else dict.fromkeys(inside, window.end)
    end = {p: softmax(np.where(possible, logits, _IMPOSSIBLE)) for p, logits in ends.items()}
    if window.null is not None:
        null = 1 / (1 + math.exp(-window.null))
    else:
        logits = np.where(possible, np.asarray(window.end), _IMPOSSIBLE)
        null = float(start[0] * softmax(logits)[0])
    to_token = window.first - window.offset
    found = [
        (float(start[one] * end[one][other]), one + to_token, other + to_token)
        for one in inside
        if one in end
        for other in range(one, min(one + longest, inside.stop))
    ]
    return sorted(found, key=lambda one: -one[0])[:_SPANS], null


# Of the states of a text's tokens, [CLS] and [SEP] included, [S, H].
_POOLINGS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "first": lambda states: states[0],
    "max": lambda states: states.max(0),
    "mean": lambda states: states.mean(0),
    "mean_sqrt_len_tokens": lambda states: states.sum(0) / math.sqrt(len(states)),
    "weightedmean": lambda states: np.average(states, 0, np.arange(1, len(states) + 1)),
    "lasttoken": lambda states: states[-1],
}


def pool(states: np.ndarray, *, pooled: np.ndarray | None, modes: Sequence[str]) -> np.ndarray:
    """Returns the vector of a text.

    Args:
      states: of its tokens, [S, H].
      pooled: the pooled output [H]; None without pooler.
      modes: of `pooling.MODES`, or `pooling.POOLED`.
    """
    parts = [_POOLINGS[mode](states) if mode in _POOLINGS else pooled for mode in modes]
    return np.concatenate([np.asarray(part) for part in parts])
