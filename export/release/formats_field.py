"""The field `formats` of a model in `models.json`: what the release converts the model to.

Example:
    formats_field.problems(["onnx", "tflite"], kind=manifest.ENCODER, options={})
    formats_field.options("litert-int8")  # {"to": "litert", "quantize": "int8"}

A value is a format of `export.convert`, or a format, `-` and a quantization.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from export.conversion import formats
from export.metadata import manifest

NAME = "formats"
# What a model can be converted to, by its kind; kinds that are not here cannot be converted.
ALLOWED: Mapping[str, tuple[str, ...]] = {manifest.ENCODER: tuple(formats.LABELS)}
_COMPUTE_DTYPE = "compute_dtype"


def problems(value: Any, *, kind: str, options: Any) -> list[str]:
    """Returns the problems of the field.

    Args:
      value: of the field, any JSON value.
      kind: of the model.
      options: of the model, any JSON value; wrong types are passed over.
    """
    if kind not in ALLOWED:
        return [f"{NAME} is a field of kind {' or '.join(ALLOWED)} alone, got a {kind}"]
    allowed = ", ".join(ALLOWED[kind])
    if not isinstance(value, list):
        return [f"{NAME} must be a list of {allowed}, got {value!r}"]
    unknown = [label for label in value if label not in ALLOWED[kind]]
    found = [f"{NAME} has {label!r}, allowed are {allowed}" for label in unknown]
    known = [label for label in value if label not in unknown]
    twice = dict.fromkeys(label for label in known if known.count(label) > 1)
    found += [f"{NAME} has {label!r} twice" for label in twice]
    return found + _wrong_dtypes(known, options)


def _wrong_dtypes(labels: Sequence[str], options: Any) -> list[str]:
    compute_dtype = options.get(_COMPUTE_DTYPE) if isinstance(options, dict) else None
    if not isinstance(compute_dtype, str):
        return []
    return [
        f"{NAME} has {label!r}, which needs {_COMPUTE_DTYPE} {' or '.join(accepted)}, got "
        f"{compute_dtype!r}"
        for label in dict.fromkeys(labels)
        if compute_dtype not in (accepted := _format(label).compute_dtypes)
    ]


def options(label: str) -> dict[str, str]:
    """Returns the flags of `export.convert` that a value stands for."""
    to, quantize = formats.LABELS[label]
    return {"to": to, "quantize": quantize}


def _format(label: str) -> formats.Format:
    return formats.FORMATS[formats.LABELS[label][0]]
