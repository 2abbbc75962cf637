"""The format `openvino`: OpenVINO's IR, a graph (.xml) and its weights (.bin) for each signature.

Example:
    openvino_format.write("dir", source=source, signatures=signatures, quantize="int8")
    run = openvino_format.load("dir", "serving_default")
    outputs = run(inputs)

The graphs are those of the format `onnx`. With int8, weights are stored in 8 bits, one scale for
each output channel or row of a table; OpenVINO multiplies as the CPU does it best.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from export.conversion import source as sources

ENDING = ".xml"  # of a graph; that of its weights is .bin

# The form of the weights in ONNX. OpenVINO itself stores float16.
_FORMS = {"none": "none", "float16": "none", "int8": "int8_weights"}


def write(
    directory: str,
    *,
    source: sources.Source,
    signatures: Sequence[sources.Signature],
    quantize: str,
) -> None:
    """Writes two files for each signature.

    Args:
      directory: where to.
      source: where the weights come from.
      signatures: which ones.
      quantize: "none", "float16" or "int8".
    """
    import openvino

    from export.conversion.onnx import signature_model  # imports onnx

    core = openvino.Core()
    for signature in signatures:
        made = signature_model.make(signature, source=source, quantize=_FORMS[quantize])
        # Not `openvino.convert_model`, which takes no graph from memory and sends telemetry.
        model = core.read_model(made.SerializeToString(deterministic=True))
        path = os.path.join(directory, sources.file_name(signature.name, ENDING))
        openvino.save_model(model, path, compress_to_fp16=quantize == "float16")


def load(
    directory: str, signature: str
) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns what runs a signature, from inputs by name to outputs by name."""
    import openvino

    path = os.path.join(directory, sources.file_name(signature, ENDING))
    # Otherwise OpenVINO computes in bfloat16 on some CPUs.
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = compiled(dict(inputs))
        return {name: array for output, array in outputs.items() for name in output.get_names()}

    return run


def manifest_entries() -> dict[str, Any]:
    """Returns what a manifest records of the format."""
    packages = ("onnx", "openvino")
    return {"runtime": {package: metadata.version(package) for package in packages}}
