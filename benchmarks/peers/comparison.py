"""Runs the whole comparison, from environments to table and plots."""

import dataclasses
import json
import os
from collections.abc import Sequence

from benchmarks import machine
from benchmarks.peers import (
    artifacts,
    engines,
    environments,
    inputs,
    processes,
    results_page,
    rounds,
    setups,
    summary,
    work_items,
)
from configs import errors
from export.cli import runner


def run(
    *,
    only: str,
    dtypes: Sequence[str],
    reuse: bool,
    num_rounds: int,
    output_dir: str,
    plot_path: str,
) -> str:
    """Measures, writes results.json, results.md and the plots, and returns the table.

    Args:
      only: comma-separated parts of names of work items and engines; empty for all.
      dtypes: the types of the engines.
      reuse: whether to take our artifacts of the last run as they are, and to add to its results.
      num_rounds: interleaved rounds.
      output_dir: folder for environments, artifacts and results.
      plot_path: the PNG of all ratios; the summary is beside it.

    Raises:
      errors.InputError: `only` matches nothing, our own artifacts cannot be made, or the results
        to add to are another machine's.
    """
    items, chosen = select(only, dtypes=dtypes)
    output_dir = os.path.abspath(output_dir)
    log_dir = os.path.join(output_dir, "logs")
    os.makedirs(log_dir, exist_ok=True)
    input_dir = os.path.join(output_dir, "inputs")
    inputs.write(input_dir)
    pythons, failed = _make_environments(chosen, output_dir, log_dir)
    made = artifacts.Artifacts(output_dir, pythons=pythons, log_dir=log_dir)
    runner.log("making artifacts")
    failed |= made.prepare(reuse=reuse)
    if "ours" in failed:
        raise errors.InputError(f"our own artifacts cannot be made: {failed['ours']}")

    def start(worker: setups.Worker) -> processes.WorkerProcess:
        python = pythons[worker.environment]
        return processes.WorkerProcess(worker, python, output_dir=output_dir, log_dir=log_dir)

    path = os.path.join(output_dir, "results.json")
    results = earlier_results(path) if reuse else rounds.Results(machine=machine.description())
    plan = rounds.Plan(
        items=items,
        chosen=chosen,
        num_rounds=num_rounds,
        made=made,
        input_dir=input_dir,
        start=start,
        failed_environments=failed,
    )
    rounds.measure(plan, results, on_round=lambda: _write_json(path, dataclasses.asdict(results)))
    table = results_page.markdown(results)
    with open(os.path.join(output_dir, "results.md"), "w", encoding="utf-8") as file:
        file.write(table)
    stem, extension = os.path.splitext(plot_path)
    for module, data, path in (
        ("plot", results_page.plot_data(results), plot_path),
        ("summary_plot", summary.panels(results), f"{stem}-summary{extension}"),
    ):
        shown = {"caption": results.machine, "panels": data}
        _plot(module, shown, path, output_dir, log_dir)
    return table


def earlier_results(path: str) -> rounds.Results:
    """Returns the results of earlier runs; none if there are none.

    Raises:
      errors.InputError: they are of another machine.
    """
    this = machine.description()
    if not os.path.exists(path):
        return rounds.Results(machine=this)
    with open(path, encoding="utf-8") as file:
        earlier = rounds.Results(**json.load(file))
    if earlier.machine != this:
        raise errors.InputError(
            f"{path} is of another machine ({earlier.machine}): name another --output_dir"
        )
    return earlier


def select(
    only: str, *, dtypes: Sequence[str] = engines.ALL_DTYPES
) -> tuple[list[work_items.WorkItem], list[engines.Engine]]:
    """Returns the work items and engines whose names contain a word of `only`, and our engines.

    If no word names a work item, all are returned; likewise engines. Of these, those of `dtypes`.

    Raises:
      errors.InputError: a word names neither a work item nor an engine, or a type is unknown.
    """
    unknown = set(dtypes) - set(engines.ALL_DTYPES)
    if unknown:
        raise errors.InputError(
            f"--dtypes must be of {', '.join(engines.ALL_DTYPES)}, got {', '.join(sorted(unknown))}"
        )
    items: set[str] = set()
    peers: set[str] = set()
    for word in filter(None, (word.strip().lower() for word in only.split(","))):
        named_items = {item.name for item in work_items.WORK_ITEMS if word in item.name}
        named_peers = {engine.name for engine in engines.ENGINES if word in engine.name.lower()}
        if not named_items and not named_peers:
            raise errors.InputError(
                f"--only: {word!r} is not in the name of a work item "
                f"({', '.join(item.name for item in work_items.WORK_ITEMS)}) or an engine "
                f"({', '.join(engine.name for engine in engines.ENGINES)})"
            )
        items |= named_items
        peers |= named_peers
    return (
        [item for item in work_items.WORK_ITEMS if not items or item.name in items],
        [
            engine
            for engine in engines.ENGINES
            if engine.dtype in dtypes and (not peers or engine.ours or engine.name in peers)
        ],
    )


def _make_environments(
    chosen: Sequence[engines.Engine], output_dir: str, log_dir: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the Python of each environment, and an error message for each that failed."""
    of_worker = {worker.name: worker.environment for worker in setups.WORKERS}
    makers = {environment.name: environment.makers for environment in setups.ENVIRONMENTS}
    used = {of_worker[engine.worker] for engine in chosen} | {setups.OURS}
    needed = used | {maker for name in used for maker in makers[name]}
    pythons, failed = {}, {}
    for environment in setups.ENVIRONMENTS:
        if environment.name not in needed:
            continue
        runner.log(f"environment {environment.name}")
        try:
            pythons[environment.name] = environments.make(
                environment, directory=os.path.join(output_dir, "venvs"), log_dir=log_dir
            )
        except errors.InputError as error:
            failed[environment.name] = str(error)
            runner.log(str(error))
    return pythons, failed


def _plot(module: str, shown: object, plot_path: str, output_dir: str, log_dir: str) -> None:
    """Draws a plot; only logs the error if matplotlib cannot be installed."""
    data_path = os.path.join(output_dir, f"{module}.json")
    _write_json(data_path, shown)
    os.makedirs(os.path.dirname(plot_path) or ".", exist_ok=True)
    try:
        venvs, log_path = os.path.join(output_dir, "venvs"), os.path.join(log_dir, "plot.log")
        python = environments.make(setups.PLOT_ENVIRONMENT, directory=venvs, log_dir=log_dir)
        command = [python, "-m", f"benchmarks.peers.workers.{module}", data_path, plot_path]
        processes.run(command, log_path=log_path, env={})
    except errors.InputError as error:
        runner.log(f"no plot: {error}")


def _write_json(path: str, content: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
