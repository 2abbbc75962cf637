"""Writes checkpoints for tests, in the formats that need no further packages.

Example:
    checkpoints.write_safetensors("model.safetensors", {"albert.pooler.bias": array})
"""

import json
import os
import pathlib
from collections.abc import Mapping

import numpy as np

_SAFETENSORS_DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "uint16": "BF16",  # the bit patterns of bfloat16
    "int64": "I64",
    "int32": "I32",
}

Path = str | os.PathLike[str]


def write_safetensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes a safetensors file; uint16 arrays contain bit patterns of bfloat16."""
    header, blobs, offset = {}, [], 0
    for name, array in tensors.items():
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": _SAFETENSORS_DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    write_safetensors_parts(path, json.dumps(header).encode(), b"".join(blobs))


def write_safetensors_parts(path: Path, header: bytes, data: bytes) -> None:
    """Writes a safetensors file from a header and data, which may contradict each other."""
    pathlib.Path(path).write_bytes(len(header).to_bytes(8, "little") + header + data)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Returns the float32 and int64 tensors of a file."""
    content = pathlib.Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    data = content[8 + length :]
    return {
        name: np.frombuffer(
            data[entry["data_offsets"][0] : entry["data_offsets"][1]],
            {"F32": np.float32, "I64": np.int64}[entry["dtype"]],
        ).reshape(entry["shape"])
        for name, entry in header.items()
    }


def write_tensorflow(prefix: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes a TensorFlow checkpoint with these names, as `tf.train.Saver` does."""
    import tensorflow as tf

    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(array) for array in tensors.values()],
    )


def read_tensorflow(prefix: Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a TensorFlow checkpoint by their names in the file."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
