"""Reads safetensors files, with the format's own library, one tensor at a time.

    tensors = safetensors_file.read("model.safetensors")

https://huggingface.co/docs/safetensors (format).
"""

import ml_dtypes  # noqa: F401, registers the bfloat16 that the library asks numpy for
import numpy as np
import safetensors

from configs import errors
from export.checkpoints import lazy_checkpoint

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_LENGTH = 8  # bytes of the header's length


def read(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors of a file by name.

    Raises:
      errors.CheckpointError: the file cannot be read, is truncated, or its header is not valid.
    """
    tensors = {}
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118, it is no mapping
                stored = file.get_slice(name)
                dtype = _DTYPES.get(stored.get_dtype(), stored.get_dtype())
                tensors[name] = _lazy(path, name, dtype, tuple(stored.get_shape()))
    except (OSError, safetensors.SafetensorError) as error:
        raise _not_valid(path, error) from error
    return tensors


def looks_like(start: bytes) -> bool:
    """Returns whether a file that starts with these 9 bytes or more may be one."""
    return len(start) > _LENGTH and start[_LENGTH : _LENGTH + 1] == b"{"


def _lazy(path: str, name: str, dtype: str, shape: tuple[int, ...]) -> lazy_checkpoint.LazyTensor:
    def read_tensor() -> np.ndarray:
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                array = file.get_tensor(name)
        except (OSError, safetensors.SafetensorError) as error:
            raise _not_valid(path, error) from error
        return array.astype(np.float32) if dtype == "bfloat16" else array

    return lazy_checkpoint.LazyTensor(name=name, shape=shape, dtype=dtype, read=read_tensor)


def _not_valid(path: str, error: Exception) -> errors.CheckpointError:
    return errors.CheckpointError(
        f"{path!r} is not a safetensors file, or it is truncated or corrupted: {error}"
    )
