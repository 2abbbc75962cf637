"""A process that runs a converted model in its runtime: a crash there is one clear error here.

Example:
    runs = [("serving_default", inputs)]
    (outputs,) = runtime_process.run("onnx", "exports/albert_en_large-onnx/1", runs)
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from configs import errors
from export.conversion import formats
from export.publishing import subprocesses

_CODE = "from export.conversion import runtime_process; runtime_process.main()"

Arrays = Mapping[str, np.ndarray]


def run(
    format_name: str, directory: str, runs: Sequence[tuple[str, Arrays]]
) -> list[dict[str, np.ndarray]]:
    """Returns what signatures compute.

    Args:
      format_name: one of `formats.FORMATS`.
      directory: of the converted model.
      runs: for each run the name of the signature, and the inputs by name.

    Raises:
      errors.VerificationError: the runtime fails, or its process dies.
    """
    with tempfile.TemporaryDirectory() as work, subprocesses.Worker(_CODE) as worker:
        for number, (_, inputs) in enumerate(runs):
            np.savez(_inputs(work, number), allow_pickle=False, **inputs)
        job = {
            "format": format_name,
            "directory": os.path.abspath(directory),
            "work": work,
            "signatures": [signature for signature, _ in runs],
        }
        worker.start(json.dumps(job).encode() + b"\n")
        problem = worker.problem()
        if problem:
            raise errors.VerificationError(
                f"{directory!r} does not run as {format_name}: {problem}"
            )
        return [_load(_outputs(work, number)) for number in range(len(runs))]


def main() -> None:
    """Runs in the process: reads the job from stdin, and prints what is wrong on one line."""
    # Libraries may print: only the answer goes to the real stdout.
    answer, sys.stdout = sys.stdout, sys.stderr
    line = sys.stdin.readline()
    if not line:  # the parent is gone
        return
    problem = ""
    try:
        _run(json.loads(line))
    except Exception as error:  # runtimes raise many types
        problem = errors.first_line(error)
    print(" ".join(problem.split()), file=answer, flush=True)


def _run(job: Mapping[str, Any]) -> None:
    implementation = formats.FORMATS[job["format"]].implementation()
    loaded: dict[str, Callable[[Arrays], dict[str, np.ndarray]]] = {}
    for number, signature in enumerate(job["signatures"]):
        if signature not in loaded:
            loaded = {signature: implementation.load(job["directory"], signature)}
        inputs = _load(_inputs(job["work"], number))
        outputs = loaded[signature](inputs)
        texts = {name: a.astype(np.str_) for name, a in outputs.items() if a.dtype == object}
        np.savez(_outputs(job["work"], number), allow_pickle=False, **{**outputs, **texts})


def _inputs(work: str, number: int) -> str:
    return os.path.join(work, f"{number}-inputs.npz")


def _outputs(work: str, number: int) -> str:
    return os.path.join(work, f"{number}-outputs.npz")


def _load(path: str) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return dict(arrays)
