"""Reads safetensors files, strictly and without copying: a header in JSON, then the tensors.

    tensors = safetensors_file.read("model.safetensors")

https://huggingface.co/docs/safetensors (format). Read here rather than with the library because
its numpy side has no bfloat16, and because it is the one format small enough to check in full:
every byte of the file must belong to exactly one tensor.
"""

import json
import math
import os
from typing import Any

import numpy as np

from configs import errors
from export.sources import source

_DTYPES = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
_MAX_HEADER = 100_000_000  # the library's own limit
_LENGTH = 8  # bytes of the header's length, little endian


def read(path: str) -> dict[str, source.LazyTensor]:
    """Returns the tensors of a file by name.

    Raises:
      errors.CheckpointError: the file cannot be read, is truncated, or its header is not valid.
    """
    try:
        return _read(path)
    except (OSError, ValueError, RecursionError) as error:
        raise errors.CheckpointError(
            f"{path!r} is not a safetensors file, or it is truncated or corrupted: {error}"
        ) from error


def looks_like(start: bytes) -> bool:
    """Returns whether a file that starts with these 9 bytes or more may be one."""
    return len(start) > _LENGTH and start[_LENGTH : _LENGTH + 1] == b"{"


def _read(path: str) -> dict[str, source.LazyTensor]:
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if not 2 <= length <= min(_MAX_HEADER, size - _LENGTH):
            raise ValueError(f"header of {length} bytes in a file of {size}")
        header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_unique_keys)
    if not isinstance(header, dict):
        raise ValueError("the header is not an object")
    header.pop("__metadata__", None)
    data_start = _LENGTH + length
    tensors, spans = {}, []
    for name, entry in header.items():
        dtype, shape, begin, end = _checked_entry(name, entry)
        spans.append((begin, end))
        tensors[name] = _lazy(path, name, dtype, shape, data_start + begin)
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise ValueError(f"gap or overlap of tensors at byte {begin}")
        position = end
    if data_start + position != size:
        raise ValueError(f"the tensors end at byte {data_start + position}, the file at {size}")
    return tensors


def _checked_entry(name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"entry of tensor {name!r} is not valid")
    shape, offsets = entry["shape"], entry["data_offsets"]
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or not all(
            isinstance(number, int) and not isinstance(number, bool) and number >= 0
            for number in numbers
        ):
            raise ValueError(f"shape or offsets of tensor {name!r} are not valid")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in _DTYPES:
        raise ValueError(f"dtype of tensor {name!r} is {entry['dtype']!r}")
    dtype, width = _DTYPES[entry["dtype"]]
    if len(offsets) != 2 or offsets[1] - offsets[0] != math.prod(shape) * width:
        raise ValueError(f"offsets of tensor {name!r} do not fit its shape")
    return dtype, tuple(shape), offsets[0], offsets[1]


def _lazy(
    path: str, name: str, dtype: str, shape: tuple[int, ...], offset: int
) -> source.LazyTensor:
    def read_tensor() -> np.ndarray:
        stored = np.dtype("uint16" if dtype == "bfloat16" else dtype).newbyteorder("<")
        try:
            array = np.fromfile(path, stored, count=math.prod(shape), offset=offset)
            array = array.reshape(shape)
        except (OSError, ValueError) as error:
            raise errors.CheckpointError(f"{path!r} changed while it was read: {error}") from error
        return source.bfloat16_to_float32(array) if dtype == "bfloat16" else array

    return source.LazyTensor(name=name, shape=shape, dtype=dtype, read=read_tensor)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice in the header")
    return values
