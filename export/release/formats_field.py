"""The field `formats` of a model in `models.json`: what the release converts the model to.

Example:
    formats_field.problems(["onnx", "tflite"], kind=manifest.ENCODER, options={})
    formats_field.flags(["onnx", {"format": "litert-int8", "signature": ["mlm"]}])

A value is a format of `export.convert`, or a format, `-` and a quantization; or an object with that
as `format`, and further signatures.
"""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from export.conversion import formats
from export.metadata import manifest

NAME = "formats"
_OF_TEXT = tuple(
    label
    for label, (to, _) in formats.LABELS.items()
    if formats.FORMATS[to].text_packages is not None
)
# What a model can be converted to, by its kind; kinds that are not here cannot be converted.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    manifest.ENCODER: tuple(formats.LABELS),
    manifest.EMBEDDER: _OF_TEXT,
    manifest.TEXT_MODEL: _OF_TEXT,
}
_COMPUTE_DTYPE = "compute_dtype"
_FORMAT, _SIGNATURE = "format", "signature"  # fields of an object; the second as the flag


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
    found = [problem for one in value if isinstance(one, dict) for problem in _wrong_object(one)]
    known = []
    for one in value:
        label = one.get(_FORMAT) if isinstance(one, dict) else one
        if label in ALLOWED[kind]:
            known.append(label)
        else:
            found.append(f"{NAME} has {one!r}, allowed are {allowed}")
    counts = collections.Counter(known)
    found += [f"{NAME} has {label!r} twice" for label, count in counts.items() if count > 1]
    return found + _wrong_dtypes(known, options)


def _wrong_object(value: Mapping[str, Any]) -> list[str]:
    """Returns the problems of an object, but for those of its format."""
    found = [
        f"{NAME} has an object with the unknown field {name!r}, known are {_FORMAT}, {_SIGNATURE}"
        for name in value
        if name not in (_FORMAT, _SIGNATURE)
    ]
    names = value.get(_SIGNATURE, [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        found.append(f"{_SIGNATURE} of {NAME} must be a list of strings, got {names!r}")
    return found


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


def flags(value: Sequence[Any]) -> dict[str, dict[str, str]]:
    """Returns the flags of `export.convert` that a field without problems stands for, by label."""
    found = {}
    for one in value:
        said = one if isinstance(one, dict) else {_FORMAT: one}
        to, quantize = formats.LABELS[said[_FORMAT]]
        found[said[_FORMAT]] = {"to": to, "quantize": quantize}
        if said.get(_SIGNATURE):
            found[said[_FORMAT]][_SIGNATURE] = ",".join(said[_SIGNATURE])
    return found


def _format(label: str) -> formats.Format:
    return formats.FORMATS[formats.LABELS[label][0]]
