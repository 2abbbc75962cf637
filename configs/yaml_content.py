"""Parses YAML, which only Model Garden writes.

Example:
    values = yaml_content.parse("task: {model: {}}")
"""

from typing import Any

_MOST_VALUES = 100_000  # with what aliases repeat


def parse(content: str) -> Any:
    """Returns the values in a text.

    Raises:
      ValueError: it is not YAML, or its aliases stand for more than anybody has written.
    """
    import yaml

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
