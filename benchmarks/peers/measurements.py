"""Selects measurements: values by round, and shares of the machine's rate."""

from collections.abc import Sequence
from typing import Any

from benchmarks.peers import artifacts, engines, inputs, operations, spreads, work_items
from configs import albert_config

Series = dict[int, float]  # by round
# Metrics that are sums of measured ones. Some engines load when they are called first.
_SUMS = {"ready_seconds": ("load_seconds", "first_call_seconds")}


class Measurements:
    """The measurements and the machine's rates, as `rounds.Results` has them."""

    def __init__(
        self, measurements: Sequence[dict[str, Any]], gemm_rates: Sequence[dict[str, Any]]
    ) -> None:
        self._measurements = measurements
        self._gemm_rates = gemm_rates

    def series(self, item: str, engine: str, metric: str) -> Series:
        """Returns the values of a metric by round."""
        parts = _SUMS.get(metric, (metric,))
        return {
            found["round"]: sum(found[part] for part in parts)
            for found in self._measurements
            if (found["item"], found["engine"]) == (item, engine) and found.keys() >= {*parts}
        }

    def engines_of(self, item: str) -> list[engines.Engine]:
        """Returns the engines with measurements of an item, in the order of the table."""
        names = {found["engine"] for found in self._measurements if found["item"] == item}
        return [engine for engine in engines.ENGINES if engine.name in names]

    def best_of_ours(self, item: str, dtype: str, metric: str) -> Series:
        """Returns the least value of our engines in a type, by round."""
        ours = [engine for engine in self.engines_of(item) if engine.ours and engine.dtype == dtype]
        return spreads.best([self.series(item, engine.name, metric) for engine in ours])

    def shares(self, item: work_items.WorkItem, engine: engines.Engine) -> Series:
        """Returns the share of the machine's rate by round; empty if operations are unknown."""
        needed = needed_operations(item)
        if not needed:
            return {}
        rates = {
            found["round"]: found[engine.dtype]
            for found in self._gemm_rates
            if found["item"] == item.name and engine.dtype in found
        }
        seconds = self.series(item.name, engine.name, "seconds")
        return {
            number: needed / seconds[number] / rates[number]
            for number in sorted(seconds.keys() & rates)
        }

    def rates(self, dtype: str) -> list[float]:
        """Returns all measurements of the machine's rate."""
        return [found[dtype] for found in self._gemm_rates]


def needed_operations(item: work_items.WorkItem) -> int:
    """Returns the floating point operations of an item; 0 if they are unknown."""
    if item.kind not in (engines.INFER, engines.TRAIN):
        return 0
    rows, _ = inputs.lengths()[item.input]
    forward = operations.inference(rows, albert_config.load(artifacts.SIZE))
    return forward * (operations.TRAINING_FACTOR if item.kind == engines.TRAIN else 1)
