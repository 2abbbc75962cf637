"""Reads TensorFlow's checkpoint files, whatever wrote them.

    tensors = tensorflow_checkpoint.read("albert_large/model.ckpt-best")

The names are the file's own: variables' names in a TF1 checkpoint, paths of an object graph in a
TF2 one. The files carry checksums, which TensorFlow's reader verifies; `checkpoint_index` checks
what it trusts.
"""

import glob
import os
import re
from typing import Any

import numpy as np

from configs import errors, tensorflow_paths
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import checkpoint_index

INDEX_SUFFIX = ".index"
# The key under which a TF2 checkpoint keeps its object graph.
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_INDEX_END = 8  # bytes that tell an index


def files(prefix: str) -> tuple[str, ...]:
    """Returns the index and the data files of a checkpoint.

    Raises:
      errors.CheckpointError: one of them is missing.
    """
    index = prefix + INDEX_SUFFIX
    if not os.path.isfile(index):
        raise errors.CheckpointError(f"checkpoint {prefix!r} has no file {index!r}")
    shards = sorted(glob.glob(glob.escape(prefix) + ".data-?????-of-?????"))
    if not shards:
        raise errors.CheckpointError(f"checkpoint {prefix!r} has an index, but no .data file")
    counts = {int(shard[-5:]) for shard in shards}
    if counts != {len(shards)}:
        raise errors.CheckpointError(
            f"checkpoint {prefix!r} has {len(shards)} data files of {sorted(counts)}"
        )
    return (index, *shards)


def is_index(path: str) -> bool:
    """Returns whether a plain file is the index of a checkpoint, by its content."""
    if not os.path.isfile(path):  # opening a pipe would wait for who writes into it
        return False
    try:
        with open(path, "rb") as file:
            file.seek(-_INDEX_END, os.SEEK_END)
            return checkpoint_index.is_index(file.read())
    except OSError:  # too short
        return False


def in_directory(directory: str) -> str | None:
    """Returns the prefix of the checkpoint in a directory; None without one.

    Of several, the file `checkpoint` says which is the latest.

    Raises:
      errors.CheckpointError: there are several, and nothing says which.
    """
    prefixes = sorted(
        os.path.join(directory, name.removesuffix(INDEX_SUFFIX))
        for name in os.listdir(directory)
        if name.endswith(INDEX_SUFFIX) and is_index(os.path.join(directory, name))
    )
    if len(prefixes) <= 1:
        return prefixes[0] if prefixes else None
    latest = _latest(directory)
    if latest in prefixes:
        return latest
    names = ", ".join(map(os.path.basename, prefixes))
    raise errors.CheckpointError(
        f"{directory!r} holds several checkpoints ({names}); give one of them, without .index"
    )


def read(prefix: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors of a checkpoint by their names in the file.

    Raises:
      errors.CheckpointError: a file is missing, truncated or corrupted, or TensorFlow would not
        find it.
    """
    return {
        name: lazy_checkpoint.LazyTensor(
            name=name, shape=shape, dtype=dtype, read=_reader_of(reader, prefix, name)
        )
        for reader, name, shape, dtype in _listing(prefix)
    }


def _listing(prefix: str) -> list[tuple[Any, str, tuple[int, ...], str]]:
    import tensorflow as tf

    index, *data = files(prefix)
    tensorflow_paths.check_source(prefix, what="checkpoint")
    try:
        checkpoint_index.check(index, data_sizes=[os.path.getsize(path) for path in data])
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
        return [
            (reader, name, tuple(shapes[name]), tf.as_dtype(dtypes[name]).name) for name in shapes
        ]
    except _read_errors() as error:
        raise errors.CheckpointError(
            f"checkpoint {prefix!r} is truncated or corrupted: {errors.first_line(error)}"
        ) from error


def _reader_of(reader: Any, prefix: str, name: str) -> Any:
    def read_tensor() -> np.ndarray:
        try:
            array = reader.get_tensor(name)
        except _read_errors() as error:
            raise errors.CheckpointError(
                f"checkpoint {prefix!r} is truncated or corrupted: {errors.first_line(error)}"
            ) from error
        if isinstance(array, np.ndarray) and array.dtype.name == "bfloat16":
            return array.astype(np.float32)
        return array

    return read_tensor


def _read_errors() -> tuple[type[Exception], ...]:
    import tensorflow as tf

    # What the reader translates its statuses to.
    return (
        tf.errors.OpError,
        ValueError,
        RuntimeError,
        TypeError,
        LookupError,
        OSError,
        SystemError,
        MemoryError,
    )


def _latest(directory: str) -> str | None:
    """Returns the prefix that the file `checkpoint` names. It may be absolute, from elsewhere."""
    try:
        with open(os.path.join(directory, "checkpoint"), encoding="utf-8") as file:
            match = re.match(r'model_checkpoint_path: "([^"\n]*)"', file.read())
    except (OSError, ValueError):
        return None
    return os.path.join(directory, os.path.basename(match[1])) if match else None
