"""Medians, spreads and ratios of measurements.

Ratios are of values from the same round, because the machine's speed changes between rounds.
"""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median, least and greatest of some values."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Returns the spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(values: Mapping[int, float], reference: Mapping[int, float]) -> list[float]:
    """Returns value / reference for each round that both have."""
    return [values[number] / reference[number] for number in sorted(values.keys() & reference)]


def best(candidates: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Returns the least value of all candidates in each round."""
    numbers = sorted({number for values in candidates for number in values})
    return {
        number: min(values[number] for values in candidates if number in values)
        for number in numbers
    }
