"""Checks the index of a TensorFlow checkpoint before TensorFlow reads it.

Example:
    checkpoint_index.check("albert_large/model.ckpt-best.index", data_sizes=[46_000_000])

TensorFlow's reader verifies checksums, but it trusts what a file with good checksums says: where an
entry does not parse or has a negative dimension, it ends the process. The index is a table of
LevelDB with a `BundleEntryProto` for each tensor, in blocks that TensorFlow does not compress:
https://github.com/google/leveldb/blob/main/doc/table_format.md.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

_FOOTER = 48  # bytes
_MAGIC = bytes.fromhex("57fb808b247547db")  # TensorFlow adopted it
_TRAILER = 5  # bytes behind a block: its compression, and a checksum
_LARGEST = 1 << 28  # bytes; the index of a model has some thousand entries of a hundred bytes
_MOST_DIMENSIONS = 254  # TensorFlow's


def is_index(end: bytes) -> bool:
    """Returns whether a file that ends with these 8 bytes or more may be one."""
    return end.endswith(_MAGIC)


def check(path: str, *, data_sizes: Sequence[int]) -> None:
    """Checks every entry of an index.

    Args:
      path: the file.
      data_sizes: sizes in bytes of the data files, in their order.

    Raises:
      ValueError: it is not an index, or an entry is not of a tensor in these files.
      OSError: it cannot be read.
    """
    from google.protobuf import message
    from tensorflow.core.protobuf import tensor_bundle_pb2

    with open(path, "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"its index has more than {_LARGEST} bytes")
    try:
        for key, value in _entries(content):
            if not key:
                _check_header(tensor_bundle_pb2.BundleHeaderProto.FromString(value), data_sizes)
            else:
                name = key.decode()
                entry = tensor_bundle_pb2.BundleEntryProto.FromString(value)
                _check_entry(name, entry, data_sizes)
    except (message.DecodeError, IndexError) as error:
        raise ValueError(f"its index is damaged: {error}") from error


def _check_header(header: Any, data_sizes: Sequence[int]) -> None:
    if header.num_shards != len(data_sizes):
        raise ValueError(f"its index is of {header.num_shards} data files, not {len(data_sizes)}")


def _check_entry(name: str, entry: Any, data_sizes: Sequence[int]) -> None:
    import tensorflow as tf

    shape = [dimension.size for dimension in entry.shape.dim]
    try:
        item_size = max(tf.as_dtype(entry.dtype).size, 1)  # 0 for strings
    except TypeError as error:
        raise ValueError(f"{name!r} has no type: {error}") from error
    is_shape = not entry.shape.unknown_rank and len(shape) <= _MOST_DIMENSIONS
    if not is_shape or any(size < 0 for size in shape):
        raise ValueError(f"{name!r} has no shape that a tensor can have")
    if math.prod(shape) * item_size > sum(data_sizes):  # TensorFlow would make room for it
        raise ValueError(
            f"{name!r} of shape {tuple(shape)} is larger than the {sum(data_sizes)} bytes there"
        )
    if entry.slices:  # its data is in entries of their own
        return
    if not 0 <= entry.shard_id < len(data_sizes):
        raise ValueError(f"{name!r} is in data file {entry.shard_id} of {len(data_sizes)}")
    end = entry.offset + entry.size
    if entry.offset < 0 or entry.size < 0 or end > data_sizes[entry.shard_id]:
        raise ValueError(f"{name!r} is behind the end of its data file")


def _entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the keys and values of a table."""
    footer = content[-_FOOTER:]
    if len(footer) < _FOOTER or not is_index(footer):
        raise ValueError("its index does not end as one")
    _, _, place = _handle(footer, 0)  # of a block without entries of tensors
    start, size, _ = _handle(footer, place)
    for _, value in _block(content, start, size):
        yield from _block(content, *_handle(value, 0)[:2])


def _handle(content: bytes, place: int) -> tuple[int, int, int]:
    """Returns start and size of a block, and the place behind these two numbers."""
    start, place = _number(content, place)
    size, place = _number(content, place)
    return start, size, place


def _block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields the keys and values of a block; a key may share its start with the one before."""
    block = content[start : start + size]
    if len(content) < start + size + _TRAILER or size < 4 or content[start + size]:
        raise ValueError("its index has a block that is cut or compressed")
    restarts = int.from_bytes(block[-4:], "little")
    end, place, key = size - 4 - 4 * restarts, 0, b""
    if end < 0:
        raise ValueError("its index has a block that is cut")
    while place < end:
        shared, place = _number(block, place)
        rest, place = _number(block, place)
        length, place = _number(block, place)
        if shared > len(key) or place + rest + length > end:
            raise ValueError("its index has an entry that is cut")
        key = key[:shared] + block[place : place + rest]
        place += rest
        yield key, block[place : place + length]
        place += length


def _number(content: bytes, place: int) -> tuple[int, int]:
    """Returns a number of variable length, and the place behind it."""
    value = 0
    for shift in range(0, 64, 7):
        byte = content[place]
        value |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return value, place
    raise ValueError("its index has a number that does not end")
