"""Damage to the index of a TensorFlow checkpoint, with checksums that fit.

damaged = table_mutations.damage(content, generator)

The index is a table of LevelDB: blocks of keys and values, here a `BundleEntryProto` for each
tensor. https://github.com/google/leveldb/blob/main/doc/table_format.md
"""

from collections.abc import Iterator

import numpy as np

from tests.fuzzing import byte_mutations, proto_mutations

_FOOTER = 48
_MAGIC = bytes.fromhex("57fb808b247547db")
_TRAILER = 5  # of a block: its compression and its checksum


def damage(content: bytes, generator: np.random.Generator) -> bytes:
    """Returns the table with an entry changed, gone, twice, or with another's key."""
    found = list(entries(content))
    place, other = (int(number) for number in generator.integers(len(found), size=2))
    key, value = found[place]
    kind = generator.random()
    if kind < 0.6:
        found[place] = (key, proto_mutations.damage(value, generator) if value else b"\x08\x01")
    elif kind < 0.7:
        del found[place]
    elif kind < 0.8:
        found[place] = (key, found[other][1])
    elif kind < 0.9:
        found[place] = (byte_mutations.damage(key, generator), value)
    else:
        found.insert(other, (key, value))
    if generator.random() < 0.9:
        found.sort()
    return table(found)


def entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the keys and values of all blocks."""
    footer = content[-_FOOTER:]
    _, place = proto_mutations.read_varint(footer, 0)  # the block of metadata
    _, place = proto_mutations.read_varint(footer, place)
    for _, handle in _block(content, footer[place:]):
        yield from _block(content, handle)


def _block(content: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    start, place = proto_mutations.read_varint(handle, 0)
    size, _ = proto_mutations.read_varint(handle, place)
    block = content[start : start + size]
    if content[start + size]:
        raise ValueError("a compressed block")
    restarts = int.from_bytes(block[-4:], "little")
    end, place, key = len(block) - 4 - 4 * restarts, 0, b""
    while place < end:
        shared, place = proto_mutations.read_varint(block, place)
        rest, place = proto_mutations.read_varint(block, place)
        length, place = proto_mutations.read_varint(block, place)
        key = key[:shared] + block[place : place + rest]
        place += rest
        yield key, block[place : place + length]
        place += length


def table(entries: list[tuple[bytes, bytes]]) -> bytes:
    data = _serialized(entries)
    metadata = _serialized([])
    last = entries[-1][0] + b"\xff" if entries else b""
    handle = proto_mutations.varint(0) + proto_mutations.varint(len(data) - _TRAILER)
    index = _serialized([(last, handle)])
    footer = b"".join(
        proto_mutations.varint(number)
        for number in (
            *(len(data), len(metadata) - _TRAILER),
            *(len(data) + len(metadata), len(index) - _TRAILER),
        )
    )
    return data + metadata + index + footer.ljust(_FOOTER - 8, b"\0") + _MAGIC


def _serialized(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Returns a block in which no key shares the start of the one before it."""
    parts, restarts, size = [], [], 0
    for key, value in entries:
        restarts.append(size)
        lengths = (0, len(key), len(value))
        parts.append(b"".join(map(proto_mutations.varint, lengths)) + key + value)
        size += len(parts[-1])
    numbers = [*(restarts or [0]), len(restarts or [0])]
    block = b"".join([*parts, *(number.to_bytes(4, "little") for number in numbers)]) + b"\0"
    return block + masked_checksum(block).to_bytes(4, "little")


def masked_checksum(content: bytes) -> int:
    """Returns the CRC-32C of bytes, masked as LevelDB does."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = tuple(map(_row, range(256)))
