"""Parses YAML, which only Model Garden writes.

Example:
    values = yaml_content.parse("task: {model: {}}")
"""

import re
from typing import Any

_MOST_VALUES = 100_000  # with what aliases repeat
_DEEPEST = 100
_LONGEST = 1 << 16  # characters; Model Garden writes some thousand


def parse(content: str) -> Any:
    """Returns the values in a text.

    Raises:
      ValueError: it is not YAML, or its aliases stand for more than anybody has written.
    """
    import yaml

    if len(content) > _LONGEST:
        raise ValueError(f"it has more than {_LONGEST} characters")
    if _depth(content) > _DEEPEST:  # PyYAML would take minutes
        raise ValueError(f"it is nested more than {_DEEPEST} times")
    try:
        values = yaml.safe_load(content)
    except (yaml.YAMLError, LookupError, AttributeError, TypeError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    pending, count = [values], 0
    while pending:  # a value that contains itself never ends
        value = pending.pop()
        count += 1
        if count > _MOST_VALUES:
            raise ValueError(f"it has more than {_MOST_VALUES} values")
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, (list, tuple, set)):
            pending += value
    return values


def _depth(content: str) -> int:
    """Returns how many brackets are open at once, or dashes begin one line, at most."""
    depth = deepest = 0
    for character in re.findall(r"[][{}]", content):
        depth += 1 if character in "[{" else -1
        deepest = max(deepest, depth)
    dashes = (run.count("-") for run in re.findall(r"(?:[-?] +)+", content))
    return max([deepest, *dashes])
