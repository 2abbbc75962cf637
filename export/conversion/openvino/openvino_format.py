"""The format `openvino`: OpenVINO's IR, a graph (.xml) and its weights (.bin) for each signature.

Example:
    openvino_format.write("dir", source=source, signatures=signatures, quantize="int8")
    run = openvino_format.load("dir", "serving_default")
    outputs = run(inputs)

The graphs are those of the format `onnx`. With int8, weights are stored in 8 bits, one scale for
each output channel or row of a table; OpenVINO multiplies as the CPU does it best.
"""

import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from export.conversion import source as sources
from export.conversion.text import text_source

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

    for signature in signatures:
        model = _model(signature, source, _FORMS[quantize])
        _transpose_weights(model)
        path = os.path.join(directory, sources.file_name(signature.name, ENDING))
        openvino.save_model(model, path, compress_to_fp16=quantize == "float16")


def _model(signature: sources.Signature, source: sources.Source, form: str) -> Any:
    import openvino

    from export.conversion.onnx import signature_model  # imports onnx

    if isinstance(source, text_source.TextModel):
        from export.conversion.openvino import text_model  # imports openvino_tokenizers

        return text_model.make(signature, source=source, quantize=form)
    made = signature_model.make(signature, source=source, quantize=form)
    # Not `openvino.convert_model`, which takes no graph from memory and sends telemetry.
    return openvino.Core().read_model(made.SerializeToString(deterministic=True))


def _transpose_weights(model: Any) -> None:
    """Transposes the weights of products, once for all layers that share them.

    Otherwise OpenVINO does it for each layer when it compiles, and in bfloat16 each keeps its copy.
    """
    from openvino import opset13

    transposed: dict[str, Any] = {}
    for product in model.get_ops():
        weights = product.input_value(1).get_node() if product.get_type_name() == "MatMul" else None
        if weights is None or weights.get_type_name() != "Constant":
            continue
        attributes = product.get_attributes()
        if attributes["transpose_b"]:
            continue
        name = weights.get_name()
        if name not in transposed:
            transposed[name] = opset13.constant(np.ascontiguousarray(weights.data.T))
            transposed[name].set_friendly_name(weights.get_friendly_name())
        made = opset13.matmul(
            product.input_value(0), transposed[name], attributes["transpose_a"], True
        )
        made.set_friendly_name(product.get_friendly_name())
        product.output(0).replace(made.output(0))


def load(
    directory: str, signature: str
) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns what runs a signature, from inputs by name to outputs by name."""
    import openvino

    if importlib.util.find_spec("openvino_tokenizers"):  # text models need it
        import openvino_tokenizers  # noqa: F401, adds operators to every Core
    path = os.path.join(directory, sources.file_name(signature, ENDING))
    # Otherwise OpenVINO computes in bfloat16 on some CPUs.
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = compiled(dict(inputs))
        return {
            name: array.astype(np.str_) if output.element_type == openvino.Type.string else array
            for output, array in outputs.items()
            for name in output.get_names()
        }

    return run


def manifest_entries() -> dict[str, Any]:
    """Returns what a manifest records of the format."""
    packages = ("onnx", "openvino")
    return {"runtime": {package: metadata.version(package) for package in packages}}
