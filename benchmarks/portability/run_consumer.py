"""Runs one consumer in this environment and compares its results with the reference.

    python -m benchmarks.portability.run_consumer lite_rt build/portability encoder .mlm

Prints as JSON the versions of packages and, for each part, the largest difference or the first line
of the error.
"""

import importlib
import importlib.metadata
import json
import platform
import sys
from typing import Any

import numpy as np

from benchmarks.portability import parts
from configs import errors

_PACKAGES = (
    *("tensorflow", "tensorflow-cpu", "tensorflow-hub", "tensorflow-text", "tf-keras", "keras"),
    *("tf2onnx", "onnxruntime", "openvino", "tensorflowjs"),
)


def main() -> None:
    consumer, folder, *names = sys.argv[1:]
    # Libraries print to stdout too; only the JSON goes there.
    answer, sys.stdout = sys.stdout, sys.stderr
    module = importlib.import_module(f"benchmarks.portability.consumers.{consumer}")
    found = {name: _measure(module, folder, parts.PARTS[name]) for name in names}
    print(json.dumps({"versions": _versions(), "parts": found}), file=answer, flush=True)


def _measure(module: Any, folder: str, part: parts.Part) -> dict[str, Any]:
    try:
        return {"difference": difference(module.run(folder, part), folder, part)}
    except Exception as error:  # the table shows any error of a consumer
        return {"error": errors.first_line(error)}


def difference(arrays: parts.Arrays, folder: str, part: parts.Part) -> float:
    """Returns the largest absolute difference from the reference.

    Raises:
      ValueError: there are no arrays, or one has another shape or is not finite.
    """
    if not arrays:
        raise ValueError("computed nothing")
    largest = 0.0
    with np.load(part.reference(folder)) as reference:
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
