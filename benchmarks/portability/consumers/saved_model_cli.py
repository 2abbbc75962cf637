"""`saved_model_cli show` and `run`."""

import os
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

from benchmarks.portability import parts

_CLI = (sys.executable, "-m", "tensorflow.python.tools.saved_model_cli")


def run(folder: str, part: parts.Part) -> parts.Arrays:
    signature = str(part.signature)
    of = ("--dir", part.directory(folder), "--tag_set", "serve", "--signature_def", signature)
    shown = _output(*_CLI, "show", *of)
    arrays: dict[str, Any] = part.arrays()
    missing = [name for name in arrays if f"inputs['{name}']" not in shown]
    if missing:
        raise ValueError(f"show does not list {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as work:
        np.savez(os.path.join(work, "inputs.npz"), **arrays)
        given = ";".join(f"{name}={work}/inputs.npz[{name}]" for name in arrays)
        _output(*_CLI, "run", *of, "--inputs", given, "--outdir", work)
        found = [name for name in os.listdir(work) if name.endswith(".npy")]
        return {name[: -len(".npy")]: np.load(os.path.join(work, name)) for name in found}


def _output(*arguments: str) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return done.stdout
