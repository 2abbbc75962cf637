"""The format `onnx`: one self-contained file for each signature, which ONNX Runtime runs.

Example:
    onnx_format.write("dir", source=source, signatures=signatures, quantize="int8")
    run = onnx_format.load("dir", "serving_default")
    outputs = run(inputs)
"""

import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from export.conversion import source as sources

ENDING = ".onnx"


def write(
    directory: str,
    *,
    source: sources.Source,
    signatures: Sequence[sources.Signature],
    quantize: str,
) -> None:
    """Writes a file for each signature.

    Args:
      directory: where to.
      source: where the weights come from.
      signatures: which ones.
      quantize: "none", "float16" or "int8".
    """
    from export.conversion.onnx import signature_model  # imports onnx

    for signature in signatures:
        made = signature_model.make(signature, source=source, quantize=quantize)
        with open(os.path.join(directory, sources.file_name(signature.name, ENDING)), "wb") as file:
            file.write(made.SerializeToString(deterministic=True))


def load(
    directory: str, signature: str
) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns what runs a signature, from inputs by name to outputs by name."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)  # errors are raised, too
    options = onnxruntime.SessionOptions()
    if importlib.util.find_spec("onnxruntime_extensions"):  # text models need it
        options.register_custom_ops_library(_library_of_extensions())
    session = onnxruntime.InferenceSession(
        os.path.join(directory, sources.file_name(signature, ENDING)),
        options,
        providers=["CPUExecutionProvider"],
    )
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        # ONNX Runtime cuts strings of NumPy's own type at a NUL.
        given = {
            name: array.astype(object) if array.dtype.kind == "U" else array
            for name, array in inputs.items()
        }
        return dict(zip(names, session.run(names, given), strict=True))

    return run


def _library_of_extensions() -> str:
    name = "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"
    before = os.environ.get(name)
    import onnxruntime_extensions

    # It chooses protobuf's slow implementation, for every process that is started later as well;
    # that one also writes the maps of a SavedModel in another order.
    if before is None:
        os.environ.pop(name, None)
    return str(onnxruntime_extensions.get_library_path())


def manifest_entries() -> dict[str, Any]:
    """Returns what a manifest records of the format."""
    from export.conversion.onnx import graph_builder

    packages = ("onnx", "onnxruntime")
    return {
        "opset": graph_builder.OPSET,
        "runtime": {package: metadata.version(package) for package in packages},
    }
