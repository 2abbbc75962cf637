"""Damage to fields of protobuf messages, with lengths around them that fit.

damaged = proto_mutations.damage(content, generator)
"""

import numpy as np

from tests.fuzzing import byte_mutations

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_NUMBERS = (0, 1, 2, 127, 128, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 10**10)
_TEXTS = (b"", b"\xff", b"a", b"\0", b"../x", b"/etc/hostname", b"x" * 100_000, "\u2581".encode())

Field = tuple[int, int, int | bytes]  # number, wire type, value


def damage(content: bytes, generator: np.random.Generator) -> bytes:
    """Returns the message with one field changed, in it or in a message below it."""
    fields = parse(content)
    if not fields:
        raise ValueError("not a message")
    # Of a repeated field one in the middle is like the next: first a number, then one of its own.
    numbers = sorted({field[0] for field in fields})
    number = int(generator.choice(numbers))
    places = [place for place, field in enumerate(fields) if field[0] == number]
    place = places[int(generator.integers(len(places)))]
    number, wire_type, value = fields[place]
    if isinstance(value, bytes) and len(value) > 1 and generator.random() < 0.8:
        try:
            fields[place] = (number, wire_type, damage(value, generator))
            return serialize(fields)
        except ValueError:
            pass
    return serialize(_changed(fields, place, generator))


def _changed(fields: list[Field], place: int, generator: np.random.Generator) -> list[Field]:
    number, wire_type, value = fields[place]
    kind = generator.random()
    if kind < 0.15:
        return [*fields[:place], *fields[place + 1 :]]
    if kind < 0.25:
        return [*fields[:place], fields[place], *fields[place:]]
    if kind < 0.35:
        other = fields[int(generator.integers(len(fields)))]
        return [*fields[:place], (number, other[1], other[2]), *fields[place + 1 :]]
    if kind < 0.42:
        number = int(generator.choice([1, 2, 3, 4, 5, 6, 7, 10, 15, 100, 2**29 - 1]))
    elif kind < 0.5 and isinstance(value, bytes):  # nested, as deep as it gets
        for _ in range(int(generator.choice([10, 99, 101, 3000]))):
            value = serialize([(number, _BYTES, value)])
    elif isinstance(value, bytes):
        if generator.random() < 0.5:
            value = _TEXTS[int(generator.integers(len(_TEXTS)))]
        else:
            value = byte_mutations.damage(value, generator)
    elif wire_type == _VARINT:
        value = _NUMBERS[int(generator.integers(len(_NUMBERS)))]
    else:
        bits = [0, 0x7FC00000, 0x7F800000, 0xFF800000, 0x7FF0000000000000, 2**64 - 1, 1]
        value = bits[int(generator.integers(len(bits)))] % 256 ** _SIZES[wire_type]
    return [*fields[:place], (number, wire_type, value), *fields[place + 1 :]]


def parse(content: bytes) -> list[Field]:
    """Returns the fields of a message.

    Raises:
      ValueError: it is not one.
    """
    fields: list[Field] = []
    place = 0
    while place < len(content):
        key, place = read_varint(content, place)
        number, wire_type = key >> 3, key & 7
        value: int | bytes
        if not number:
            raise ValueError("a field without a number")
        if wire_type == _VARINT:
            value, place = read_varint(content, place)
        elif wire_type == _BYTES:
            length, place = read_varint(content, place)
            value = content[place : place + length]
            place += length
        elif wire_type in _SIZES:
            value = int.from_bytes(content[place : place + _SIZES[wire_type]], "little")
            place += _SIZES[wire_type]
        else:
            raise ValueError(f"wire type {wire_type}")
        if place > len(content):
            raise ValueError("a field that is cut")
        fields.append((number, wire_type, value))
    return fields


def serialize(fields: list[Field]) -> bytes:
    """Returns the message with these fields."""
    parts = []
    for number, wire_type, value in fields:
        parts.append(varint(number << 3 | wire_type))
        if isinstance(value, bytes):
            parts += [varint(len(value)), value]
        elif wire_type == _VARINT:
            parts.append(varint(value))
        else:
            parts.append(value.to_bytes(_SIZES[wire_type], "little"))
    return b"".join(parts)


def read_varint(content: bytes, place: int) -> tuple[int, int]:
    """Returns a number of variable length, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            break
        byte = content[place]
        value |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return value, place
    raise ValueError("a number that is cut")


def varint(value: int) -> bytes:
    """Returns a number in as many bytes as it needs."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])
