"""The program of a worker process: loads one model and answers requests, one line of JSON each.

    python -m benchmarks.peers.worker '{"module": "saved_models", "options": {...}}'

It runs in the environment of its engine. The answer to a failed request is `{"error": ...}`.
"""

import ctypes
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

# Calls are repeated for so long; the median counts.
_MIN_SECONDS = 1.0
# If a first call is shorter, it does not count: another process has filled the caches.
_WARM_SECONDS = 1.0

_Answer = dict[str, Any]


class RequestHandler:
    """Answers requests for one model.

    Attributes:
      handlers: the functions that answer, by kind of request.
    """

    def __init__(self, module: str, options: dict[str, str]) -> None:
        self._module, self._options = module, options
        self._model: Any = None
        self._calls: dict[str, Callable[[], Any]] = {}
        self.handlers: dict[str, Callable[[_Answer], _Answer]] = {
            "load": self._load,
            "run": self._run,
            "rate": lambda request: {"rate": self._model.rate(request["dtype"])},
        }

    def _load(self, request: _Answer) -> _Answer:
        """Imports the engine and loads the model; if there is an input, also runs it once."""
        import_seconds, module = _timed(
            lambda: importlib.import_module(f"benchmarks.peers.workers.{self._module}")
        )
        load_seconds, self._model = _timed(lambda: module.make(self._options))
        answer = {"import_seconds": import_seconds, "load_seconds": load_seconds}
        if "input" in request:
            answer["first_call_seconds"], _ = _timed(self._call(request))
            answer["peak_bytes"] = _peak_memory()
        return answer

    def _run(self, request: _Answer) -> _Answer:
        """Repeats a call; answers with its median time and the process's peak memory."""
        key = json.dumps(request, sort_keys=True)
        if key not in self._calls:
            self._calls[key] = self._call(request)
            self._calls[key]()  # the first call traces and packs weights
        call = self._calls[key]
        _reset_peak_memory()
        seconds = [_timed(call)[0]]
        if seconds[0] < _WARM_SECONDS:
            seconds = []
        while not seconds or sum(seconds) < _MIN_SECONDS:
            seconds.append(_timed(call)[0])
        peak_bytes = _peak_memory()
        _give_memory_back()
        return {
            "seconds": statistics.median(seconds),
            "peak_bytes": peak_bytes,
            "calls": len(seconds),
        }

    def _call(self, request: _Answer) -> Callable[[], Any]:
        from benchmarks.peers.workers import model

        kind = request["kind"]
        if kind in ("infer", "train", "pretrain"):
            batch = model.read_batch(request["input"])
            return getattr(self._model, kind)(batch, request["padding"])
        return getattr(self._model, kind)(model.read_texts(request["input"]))


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _reset_peak_memory() -> None:
    """Sets VmHWM to the current memory; see proc(5), clear_refs."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def _peak_memory() -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _give_memory_back() -> None:
    """Returns the allocator's free memory to the system, for the other engines."""
    ctypes.CDLL(None).malloc_trim(0)


def main() -> None:
    # Libraries print to stdout too, so the answers get a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    task = json.loads(sys.argv[1])
    handlers = RequestHandler(task["module"], task["options"]).handlers
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = handlers[request.pop("do")](request)
        except Exception as error:  # the results page lists the engine's failure
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
