"""Protocol buffers' wire format, for the few messages that are read and written without a schema.

The module that `sentencepiece` bundles for its `ModelProto` wants a newer protobuf than TensorFlow
allows. https://protobuf.dev/programming-guides/encoding

    for number, wire_type, field, value in wire_format.fields(message): ...
    message = wire_format.varint_field(3, 1) + wire_format.bytes_field(1, b"text")
"""

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 1 << 64
_SINGLE = [bytes([value]) for value in range(0x80)]


def varint_field(number: int, value: int) -> bytes:
    """Returns a field that holds an integer, which may be negative."""
    return varint(number << 3 | VARINT) + varint(value % _MAX_VARINT)


def bytes_field(number: int, value: bytes) -> bytes:
    """Returns a field that holds bytes, a string or a message."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def float_field(number: int, value: float) -> bytes:
    """Returns a field that holds a 32-bit float."""
    return varint(number << 3 | FIXED32) + struct.pack("<f", value)


def fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yields number, wire type, the whole field and its value without key and length.

    Raises:
      ValueError: `message` is not a serialized protobuf message.
    """
    position = 0
    while position < len(message):
        start = position
        key, position = _read_varint(message, position)
        value_start = position
        wire_type = key & 7
        if wire_type == VARINT:
            _, position = _read_varint(message, position)
        elif wire_type == FIXED64:
            position += 8
        elif wire_type == FIXED32:
            position += 4
        elif wire_type == BYTES:
            length, value_start = _read_varint(message, position)
            position = value_start + length
        else:
            raise ValueError(f"wire type {wire_type} at byte {start}")
        if position > len(message):
            raise ValueError(f"the field at byte {start} ends after the file")
        yield key >> 3, wire_type, message[start:position], message[value_start:position]


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position + shift // 7 >= len(message):
            break
        byte = message[position + shift // 7]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + shift // 7 + 1
    raise ValueError(f"a number that does not end at byte {position}")


def varint(value: int) -> bytes:
    """Returns a non-negative integer, seven bits to the byte, the lowest first."""
    if value < 0x80:  # nearly all are
        return _SINGLE[value]
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
