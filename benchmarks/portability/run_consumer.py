"""Runs one consumer in this process's environment and prints how far it is from the reference.

    python -m benchmarks.portability.worker lite_rt build/portability encoder .mlm

prints, as JSON, the versions of what it used and for each part either the largest difference or the
first line of the error.
"""

import importlib
import importlib.metadata
import json
import os
import platform
import sys
from typing import Any

import numpy as np

from benchmarks.portability import parts
from configs import errors

_PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-hub",
    "tensorflow-text",
    "tf-keras",
    "keras",
    "tf2onnx",
    "onnxruntime",
    "openvino",
)


def main() -> None:
    consumer, folder, *names = sys.argv[1:]
    # Whatever is printed meanwhile must not be taken for the answer.
    answer, sys.stdout = sys.stdout, sys.stderr
    module = importlib.import_module(f"benchmarks.portability.consumers.{consumer}")
    results = {name: _measure(module, folder, parts.PARTS[name]) for name in names}
    report = {"versions": _versions(), "parts": results}
    print(json.dumps(report), file=answer, flush=True)


def _measure(module: Any, folder: str, part: parts.Part) -> dict[str, Any]:
    try:
        return {"difference": difference(module.run(folder, part), folder, part)}
    except Exception as error:  # any that a consumer has is what the table tells
        return {"error": errors.first_line(error)}


def difference(arrays: parts.Arrays, folder: str, part: parts.Part) -> float:
    """Returns the largest absolute difference to the reference.

    Raises:
      ValueError: nothing was computed, or something of another shape or that is not finite.
    """
    if not arrays:
        raise ValueError("computed nothing")
    largest = 0.0
    with np.load(os.path.join(folder, "reference", f"{part.name}.npz")) as reference:
        for name, array in arrays.items():
            expected = reference[name]
            if array.shape != expected.shape:
                raise ValueError(f"{name} has shape {array.shape}, expected {expected.shape}")
            distance = np.abs(array.astype(np.float64) - expected)
            if not np.isfinite(distance).all():
                raise ValueError(f"{name} is not finite")
            largest = max(largest, float(distance.max()))
    return largest


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


if __name__ == "__main__":
    main()
