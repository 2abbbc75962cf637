"""Which parameters of a test `make test` runs; `pytest --stress` runs them all.

Example:
    CASES = sampling.parametrize("case", table.CASES, sample=table.SAMPLE, ids=str)
"""

from collections.abc import Collection
from typing import Any

import pytest


def parametrize(
    names: str, values: Collection[Any], *, sample: Collection[Any], **options: Any
) -> pytest.MarkDecorator:
    """Parametrizes a test with values, of which only those of the sample run without --stress."""
    assert sample and all(value in values for value in sample), sample
    return pytest.mark.parametrize(names, [_parameter(v, v in sample) for v in values], **options)


def _parameter(value: Any, chosen: bool) -> Any:
    arguments = value if isinstance(value, tuple) else (value,)
    return pytest.param(*arguments, marks=() if chosen else pytest.mark.stress)
