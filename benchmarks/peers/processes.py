"""Runs worker processes and whole commands, with two threads and no GPU."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from benchmarks.peers import setups
from configs import errors

# The kernel needs some milliseconds to add up a process's memory.
_POLL_SECONDS = 0.1

_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "2",
    "RAYON_NUM_THREADS": "2",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TOKENIZERS_PARALLELISM": "true",
}


class WorkerProcess:
    """A process that answers requests for one model; see `worker`."""

    def __init__(
        self, worker: setups.Worker, python: str, *, output_dir: str, log_dir: str
    ) -> None:
        options = {
            name: os.path.join(output_dir, value) if value.startswith("artifacts/") else value
            for name, value in worker.options.items()
        }
        task = json.dumps({"module": worker.module, "options": options})
        self._log_path = os.path.join(log_dir, f"worker_{worker.name}.log")
        with open(self._log_path, "a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.peers.worker", task],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **_ENVIRONMENT},
            )

    def request(self, **request: str) -> dict[str, Any]:
        """Sends a request and waits for its answer.

        Raises:
          errors.InputError: the request failed, or the process died.
        """
        assert self._process.stdin and self._process.stdout
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise errors.InputError(f"the process died; see {self._log_path}")
        answer = json.loads(line)
        if "error" in answer:
            raise errors.InputError(" ".join(answer["error"].split()))
        return answer

    def stop(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()


def run(arguments: Sequence[str], *, log_path: str, env: Mapping[str, str]) -> dict[str, float]:
    """Runs a command, with `env` added to the environment; returns `seconds` and `peak_bytes`.

    The memory is that of the process and all its descendants. Shared pages, for example of
    TensorFlow's library, count once (Linux's proportional set size).

    Raises:
      errors.InputError: the exit status is not 0.
    """
    start = time.perf_counter()
    with open(log_path, "w", encoding="utf-8") as log:
        process = psutil.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_ENVIRONMENT, **env},
        )
        peak_bytes = 0
        while process.poll() is None:
            peak_bytes = max(peak_bytes, _proportional_bytes(process))
            time.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise errors.InputError(f"exit status {process.returncode}; see {log_path}")
    return {"seconds": seconds, "peak_bytes": peak_bytes}


def _proportional_bytes(root: psutil.Process) -> int:
    """Returns the memory of a process and its descendants; 0 if the process has ended."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total
