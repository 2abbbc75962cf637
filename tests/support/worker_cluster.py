"""Workers of a `TF_CONFIG` cluster: processes that run one program and talk on 127.0.0.1.

Each has a working directory of its own, as on a machine of its own: `folder/worker-0` etc.

Example:
    with worker_cluster.start(tmp_path, "train.py", workers=2, env=environment) as cluster:
        cluster.wait_for(1, "epoch 3")
        cluster.kill(1)
        cluster.restart()
        first, second = cluster.outputs()
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import pytest

from tests.support import processes, shared_run

_SECONDS = 300  # deadline of anything that is waited for


class Cluster:
    """The workers. Their output is in files, `stdout.1` is of the first start."""

    def __init__(
        self,
        folder: pathlib.Path,
        arguments: tuple[object, ...],
        *,
        workers: int,
        env: Mapping[str, str] | None,
    ) -> None:
        self.folders = [folder / f"worker-{number}" for number in range(workers)]
        self._arguments = arguments
        self._env = processes.environment() if env is None else env
        self._addresses = _free_addresses(workers)
        self._starts = 0
        self._running: list[subprocess.Popen[str]] = []
        for each in self.folders:
            each.mkdir()
        self.restart()

    def restart(self) -> None:
        """Starts all workers; those of before must have ended."""
        assert all(process.poll() is not None for process in self._running)
        self._starts += 1
        self._running = [self._start(number) for number in range(len(self._addresses))]

    def wait_for(self, worker: int, text: str) -> None:
        """Waits until a worker has printed a text, and flushed it, since its last start."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.output(worker):
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._running[worker].wait(timeout=0.02)
                if text not in self.output(worker):
                    pytest.fail(f"it ended with {status}: {self.errors(worker)}")
            if time.monotonic() > deadline:
                pytest.fail(f"no {text!r} in {_SECONDS} s: {self.errors(worker)}")

    def wait(self, worker: int) -> int:
        """Returns the exit status of a worker."""
        return self._running[worker].wait(timeout=_SECONDS)

    def kill(self, worker: int) -> None:
        """Kills a worker, which cannot notice it."""
        self._running[worker].kill()
        self._running[worker].wait()

    def outputs(self) -> list[str]:
        """Returns what the workers printed. All must succeed."""
        for number in range(len(self._running)):
            assert self.wait(number) == 0, self.errors(number)
        return [self.output(number) for number in range(len(self._running))]

    def output(self, worker: int) -> str:
        """Returns what a worker has printed since its last start."""
        return self._log(worker, "stdout").read_text()

    def errors(self, worker: int) -> str:
        """Returns what a worker has written to stderr since its last start."""
        return self._log(worker, "stderr").read_text()

    def _log(self, worker: int, kind: str) -> pathlib.Path:
        return self.folders[worker] / f"{kind}.{self._starts}"

    def _start(self, number: int) -> subprocess.Popen[str]:
        task = {"type": "worker", "index": number}
        config = {"cluster": {"worker": self._addresses}, "task": task}
        with (
            self._log(number, "stdout").open("w") as stdout,
            self._log(number, "stderr").open("w") as stderr,
        ):
            return subprocess.Popen(
                # A fork, which ends if this process is killed.
                [os.environ.get(shared_run.PYTHON, sys.executable), *map(str, self._arguments)],
                cwd=self.folders[number],
                env={**self._env, "TF_CONFIG": json.dumps(config)},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                text=True,
            )


@contextlib.contextmanager
def start(
    folder: pathlib.Path,
    *arguments: object,
    workers: int = 2,
    env: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """Yields workers that run `python arguments`, and that end with the block."""
    cluster = Cluster(folder, arguments, workers=workers, env=env)
    try:
        yield cluster
    finally:
        for number in range(workers):
            cluster.kill(number)


def _free_addresses(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
