"""Medians, spreads and ratios of measurements, round by round.

Times of different rounds are not compared: the machine may be faster in one round than in another.
"""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of some values, and the least and the greatest of them."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Returns the spread of values, of which there must be at least one."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(values: Mapping[int, float], reference: Mapping[int, float]) -> list[float]:
    """Returns value / reference for each round that both have."""
    return [values[number] / reference[number] for number in sorted(values.keys() & reference)]


def best(candidates: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Returns the least value of each round, among all candidates that have one."""
    numbers = sorted({number for values in candidates for number in values})
    return {
        number: min(values[number] for values in candidates if number in values)
        for number in numbers
    }
