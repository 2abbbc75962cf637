"""Reads labelled texts: tables with a header (TSV, CSV) or JSON lines.

    examples = labelled_texts.read("train.tsv", text_fields=["text"], label_field="label")
    labels = labelled_texts.ordered_labels(examples)

The format is that of the first line: `{` begins JSON; a tab, a comma or a semicolon separates the
columns of a table.
"""

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from configs import errors

_MOST_PROBLEMS = 5  # lines that an error names


class Example(NamedTuple):
    """A line: one or two texts and their label."""

    texts: tuple[str, ...]
    label: str


def read(path: str, *, text_fields: Sequence[str], label_field: str) -> list[Example]:
    """Returns the examples of a table with a header, or of JSON lines; blank lines are left out.

    Raises:
      errors.InputError: the file cannot be read, has no such fields, or lacks values.
    """
    fields = (*text_fields, label_field)
    examples, problems = [], []
    try:
        for number, row in _rows(path):
            missing = [name for name in fields if not _word(row.get(name)).strip()]
            if missing:
                there = ", ".join(str(name) for name in row)
                problems.append(f"line {number} has no {' and no '.join(missing)}, it has {there}")
            *texts, label = (_word(row.get(name)) for name in fields)
            examples.append(Example(tuple(texts), label.strip()))
    except (ValueError, csv.Error) as error:  # of UTF-8, of JSON
        raise errors.InputError(f"{path!r} cannot be read: {error}") from error
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        shown = problems[:_MOST_PROBLEMS] + ([f"and {more} more lines"] if more > 0 else [])
        hint = "--text_fields and --label_field say which columns there are"
        raise errors.InputError(errors.listing(f"{path!r}: {hint}", shown))
    if not examples:
        raise errors.InputError(f"{path!r} has no examples")
    return examples


def _rows(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the lines as values by field, with their numbers."""
    with open(path, encoding="utf-8-sig", newline="") as file:  # Excel begins files with a BOM
        first = next((line for line in file if line.strip()), "")
        file.seek(0)
        if first.lstrip().startswith("{"):
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _fields(line, number)
            return
        delimiter = next((mark for mark in "\t,;" if mark in first), "\t")
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        csv.field_size_limit(1 << 30)
        lines = itertools.dropwhile(lambda line: not line.strip(), file)
        reader = csv.DictReader(lines, delimiter=delimiter, quoting=quoting)
        for row in reader:
            if None in row:
                raise ValueError(f"line {reader.line_num} has more columns than the header")
            if any(value and value.strip() for value in row.values()):
                yield reader.line_num, row


def _fields(line: str, number: int) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"line {number} is not an object of JSON")
    return values


def _word(value: Any) -> str:
    """Returns a value of JSON as text; a missing one as none."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


def ordered_labels(examples: list[Example]) -> tuple[str, ...]:
    """Returns the labels: numbers by value, others by the alphabet."""
    labels = {example.label for example in examples}
    if len(labels) < 2:
        raise errors.InputError(f"there must be at least two labels, got {', '.join(labels)}")
    are_numbers = all(label.lstrip("-").isdecimal() for label in labels)
    return tuple(sorted(labels, key=int if are_numbers else str))


def check_labels(examples: list[Example], *, path: str, labels: Sequence[str]) -> None:
    """Checks that the head has all labels of a file.

    Raises:
      errors.InputError: it has not.
    """
    unknown = sorted({example.label for example in examples} - set(labels))
    if unknown:
        raise errors.InputError(
            f"{path!r} has labels that the classifier does not have: {', '.join(unknown)}; "
            f"it has {', '.join(labels)}"
        )
