"""Measures in rounds: in each round of a work item every engine does it, one after the other.

Only one process computes at a time. Each round starts with another engine. The machine's rate of
matrix products is measured in the same round, just before the engines.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.peers import artifacts, engines, inputs, processes, setups, work_items
from configs import errors
from export.cli import runner

# TensorFlow keeps the memory of its largest training step, and would show it for all later steps.
_IN_FRESH_PROCESS = (engines.LOAD, engines.TRAIN, engines.PRETRAIN)
_WITH_GEMM_RATE = (engines.INFER, engines.EMBED, engines.CLASSIFY, engines.TRAIN)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Results:
    """The contents of results.json.

    Attributes:
      machine: what they were measured on.
      measurements: dicts of `round`, `item`, `engine` and the metrics.
      gemm_rates: dicts of `round`, `item` and the operations per second by dtype.
      failures: dicts of `engine`, `item` and `reason`.
    """

    machine: str = ""
    measurements: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    gemm_rates: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    failures: list[dict[str, str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Input of `measure`.

    Attributes:
      items: the work items.
      chosen: the engines.
      num_rounds: the number of rounds.
      made: the artifacts.
      input_dir: the folder of the inputs.
      start: starts the process of a worker.
      failed_environments: error messages by environment.
    """

    items: Sequence[work_items.WorkItem]
    chosen: Sequence[engines.Engine]
    num_rounds: int
    made: artifacts.Artifacts
    input_dir: str
    start: Callable[[setups.Worker], processes.WorkerProcess]
    failed_environments: Mapping[str, str]


_WORKERS = {worker.name: worker for worker in (*setups.WORKERS, setups.GEMM_WORKER)}


def measure(plan: Plan, results: Results, *, on_round: Callable[[], None]) -> None:
    """Adds rounds of each item to `results`, and calls `on_round` after each.

    The processes of an item end before the next item, since those of all items together need more
    memory than the machine may have: paging would slow down whichever engine is measured.
    """
    first = 1 + max((found["round"] for found in results.measurements), default=-1)
    for item in plan.items:
        of_item = _ItemProcesses(plan, results, item)
        try:
            for number in range(plan.num_rounds):
                runner.log(f"round {number + 1}/{plan.num_rounds}: {item.name}")
                of_item.measure(first + number)
                on_round()
        finally:
            of_item.stop()


class _ItemProcesses:
    """The processes of a work item, which start on first use."""

    def __init__(self, plan: Plan, results: Results, item: work_items.WorkItem) -> None:
        self._plan, self._results, self._item = plan, results, item
        self._processes: dict[str, processes.WorkerProcess] = {}
        self._failed: set[str] = set()

    def stop(self) -> None:
        for process in self._processes.values():
            process.stop()

    def measure(self, number: int) -> None:
        """Measures the item once with every engine."""
        if self._item.kind in _WITH_GEMM_RATE:
            self._measure_gemm_rate(number)
        taking_part = [engine for engine in self._plan.chosen if self._item.takes(engine)]
        first = number % max(1, len(taking_part))
        for engine in taking_part[first:] + taking_part[:first]:
            if engine.name in self._failed:
                continue
            try:
                metrics = self._ask(engine)
            except errors.InputError as error:
                self._failed.add(engine.name)
                failure = {"engine": engine.name, "item": self._item.name, "reason": str(error)}
                self._results.failures.append(failure)
                runner.log(f"{engine.name}: {error}")
                continue
            runner.log(f"  {engine.name}: {_listing(metrics)}")
            self._results.measurements.append(
                {"round": number, "item": self._item.name, "engine": engine.name, **metrics}
            )

    def _measure_gemm_rate(self, number: int) -> None:
        process = self._process(setups.GEMM_WORKER)
        rates = {dtype: process.request(do="rate", dtype=dtype)["rate"] for dtype in engines.DTYPES}
        self._results.gemm_rates.append({"round": number, "item": self._item.name, **rates})

    def _ask(self, engine: engines.Engine) -> dict[str, Any]:
        worker, kind = _WORKERS[engine.worker], self._item.kind
        reason = self._plan.failed_environments.get(worker.environment)
        if reason:
            raise errors.InputError(reason)
        if kind == engines.EXPORT:
            return self._plan.made.export(engine.name)
        request = {
            "kind": kind,
            "input": inputs.path(self._plan.input_dir, self._item.input),
            "padding": engine.padding,
        }
        if kind not in _IN_FRESH_PROCESS:
            return self._process(worker).request(do="run", **request)
        process = self._plan.start(worker)
        try:
            if kind == engines.LOAD:
                answer = process.request(do="load", **{**request, "kind": engines.INFER})
                return {**answer, "artifact_bytes": self._plan.made.size(worker)}
            process.request(do="load")
            return process.request(do="run", **request)
        finally:
            process.stop()

    def _process(self, worker: setups.Worker) -> processes.WorkerProcess:
        if worker.name not in self._processes:
            process = self._plan.start(worker)
            try:
                process.request(do="load")
            except errors.InputError:
                process.stop()
                raise
            self._processes[worker.name] = process
        return self._processes[worker.name]


def _listing(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
