"""Medians, spreads and ratios of measurements.

Ratios are of values from the same round, because the machine's speed changes between rounds.
"""

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence

_LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median, least and greatest of some values."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Returns the spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Returns an interval that has the median of what was sampled, with 95 % or what there is.

    Its ends are two of the values: the k-th least and greatest, where k is as large as the binomial
    distribution allows. Of nine values these are the second and the eighth.
    """
    count, ordered = len(values), sorted(values)
    beyond, skipped = 0.5**count, 0
    while skipped + 1 < (count + 1) // 2:
        more = beyond + math.comb(count, skipped + 1) * 0.5**count
        if 2 * more > 1 - _LEVEL:
            break
        beyond, skipped = more, skipped + 1
    return ordered[skipped], ordered[-1 - skipped]


def ratios(values: Mapping[int, float], reference: Mapping[int, float]) -> list[float]:
    """Returns value / reference for each round that both have."""
    return [values[number] / reference[number] for number in sorted(values.keys() & reference)]


def best(candidates: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Returns the least value of all candidates, by round.

    Rounds without the candidate of the least median are left out: they were run with `--only`, and
    the others would be called the best.
    """
    measured = [values for values in candidates if values]
    if not measured:
        return {}
    leader = min(measured, key=lambda values: statistics.median(values.values()))
    return {
        number: min(values[number] for values in measured if number in values)
        for number in sorted(leader)
    }
