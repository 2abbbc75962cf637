"""A Dask cluster: a scheduler and workers, processes that talk over TCP on 127.0.0.1.

Example:
    with dask_cluster.start(tmp_path, workers=2) as cluster:
        processes.run("scripts.embed_corpus", ..., "--cluster", cluster.address)
        cluster.workers[0].kill()
"""

import contextlib
import pathlib
import re
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support import processes

# Appends a line to a file for every model that a worker loads. It does not import TensorFlow: the
# project sets the environment first.
_COUNT_LOADS = """
import os
import wrapt

@wrapt.when_imported("tensorflow_hub")
def count(hub):
    def counted(folder, load=hub.load):
        with open({path!r}, "a") as file:
            file.write(f"{{os.getpid()}}\\n")
        return load(folder)

    if hub.load.__name__ != "counted":  # Dask runs this more than once
        hub.load = counted
"""


class Cluster(NamedTuple):
    """A running cluster.

    Attributes:
      address: of the scheduler.
      workers: processes of one thread each.
      loads: file with a line for every model that was loaded: the id of the worker's process.
    """

    address: str
    workers: list[subprocess.Popen[str]]
    loads: pathlib.Path


@contextlib.contextmanager
def start(folder: pathlib.Path, *, workers: int) -> Iterator[Cluster]:
    """Yields a cluster that ends with the block. Its workers cannot import this project."""
    loads = folder / "loads"
    preload = folder / "count_loads.py"
    preload.write_text(_COUNT_LOADS.format(path=str(loads)))
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(
            _process(folder / "scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0")
        )
        address = _wait(folder / "scheduler", r"Scheduler at: +(tcp://\S+)", scheduler)
        started = []
        for number in range(workers):
            log = folder / f"worker-{number}"
            options = ("--nthreads", "1", "--no-nanny", "--preload", preload)
            started.append(stack.enter_context(_process(log, "worker", address, *options)))
        for number, worker in enumerate(started):
            _wait(folder / f"worker-{number}", f"Registered to: +({address})", worker)
        yield Cluster(address, started, loads)


@contextlib.contextmanager
def _process(log: pathlib.Path, kind: str, *options: object) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as stderr:
        process = processes.start(
            *("-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *options),
            cwd=log.parent,
            env=processes.environment() | {"PYTHONPATH": ""},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(log: pathlib.Path, pattern: str, process: subprocess.Popen[str]) -> str:
    """Returns the group of a pattern as soon as a process has written it into its log."""
    while not (found := re.search(pattern, log.read_text())):
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"it ended with {process.wait(timeout=0.02)}: {log.read_text()}")
    return found[1]
