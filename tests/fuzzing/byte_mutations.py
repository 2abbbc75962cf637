"""Damage to bytes whose meaning is not known.

damaged = byte_mutations.damage(content, generator)
"""

from collections.abc import Callable, Sequence

import numpy as np

# Lengths, counts and offsets that overflow: the largest of each size, and gigabytes.
_NUMBERS = [
    value.to_bytes(size, order)
    for size in (2, 4, 8)
    for value in ((1 << 8 * size) - 1, 1 << 8 * size - 1, (1 << 8 * size - 1) - 1, 0)
    for order in ("little", "big")
] + [(1 << 33).to_bytes(8, "little"), (10**10).to_bytes(8, "big")]


def damage(content: bytes, generator: np.random.Generator) -> bytes:
    """Returns other bytes; the same where nothing could be done."""
    if not content:
        return generator.bytes(int(generator.integers(1, 64)))
    return _DAMAGES[int(generator.integers(len(_DAMAGES)))](content, generator)


def place(content: bytes, generator: np.random.Generator) -> int:
    """Returns a place in a file; its head and its end, which say most, more often."""
    kind, near = generator.random(), min(len(content), 256)
    if kind < 0.3:
        return int(generator.integers(near))
    if kind < 0.5:
        return len(content) - 1 - int(generator.integers(near))
    return int(generator.integers(len(content)))


def _flip(content: bytes, generator: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(1 if generator.random() < 0.7 else int(generator.integers(2, 16))):
        changed[place(content, generator)] ^= 1 << int(generator.integers(8))
    return bytes(changed)


def _run(content: bytes, generator: np.random.Generator) -> bytes:
    start = place(content, generator)
    length = int(generator.choice([1, 2, 4, 8, 64, 512]))
    byte = [b"\0", b"\xff", b"\x80", b"{", b"["][int(generator.integers(5))]
    new = generator.bytes(length) if generator.random() < 0.4 else byte * length
    return content[:start] + new[: len(content) - start] + content[start + length :]


def _cut(content: bytes, generator: np.random.Generator) -> bytes:
    return content[: place(content, generator)]


def _remove(content: bytes, generator: np.random.Generator) -> bytes:
    start = place(content, generator)
    return content[:start] + content[start + int(generator.choice([1, 4, 16, 256, 4096])) :]


def _insert(content: bytes, generator: np.random.Generator) -> bytes:
    start = place(content, generator)
    return content[:start] + generator.bytes(int(generator.choice([1, 8, 100]))) + content[start:]


def _repeat(content: bytes, generator: np.random.Generator) -> bytes:
    start = place(content, generator)
    end = start + int(generator.choice([1, 8, 64, 1024]))
    return content[:end] + content[start:end] * int(generator.choice([1, 2, 50])) + content[end:]


def _swap(content: bytes, generator: np.random.Generator) -> bytes:
    a, b, c = sorted(place(content, generator) for _ in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _number(content: bytes, generator: np.random.Generator) -> bytes:
    start = place(content, generator)
    new = _NUMBERS[int(generator.integers(len(_NUMBERS)))]
    return content[:start] + new + content[start + len(new) :]


_DAMAGES: Sequence[Callable[[bytes, np.random.Generator], bytes]] = (
    _flip,
    _run,
    _cut,
    _remove,
    _insert,
    _repeat,
    _swap,
    _number,
)
