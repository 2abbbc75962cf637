"""Damage to values in JSON, which is YAML as well.

damaged = json_mutations.damage(b'{"hidden_size": 32}', generator)
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

_MARK = "\0here\0"
# What stands in the place of a value, as text.
_VALUES: Sequence[str] = (
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1",
    "2",
    "3",
    "1000000000",
    "9223372036854775808",
    "1" + "0" * 400,
    "1" + "0" * 5000,
    "-9223372036854775809",
    "1e308",
    "1e999",
    "-0.0",
    "0.5",
    "1e-320",
    "NaN",
    "Infinity",
    "-Infinity",
    '""',
    '"a"',
    '"0"',
    '"\\ud800"',
    '"\\u0000"',
    '"\\u202e"',
    '"../../etc/hostname"',
    '"/etc/hostname"',
    '"' + "x" * 100_000 + '"',
    '"(a+)+$"',
    '"("',
    '"[MASK]"',
    "[]",
    "[[]]",
    "[null]",
    "[1]",
    '["a"]',
    "{}",
    '{"a": null}',
    '{"": {}}',
    '{"0": "a"}',
    "[" * 10_000 + "]" * 10_000,
    '{"a":' * 10_000 + "1" + "}" * 10_000,
)


def damage(content: bytes, generator: np.random.Generator) -> bytes:
    """Returns the text with one value changed, gone, renamed, twice, or another's."""
    try:
        values = json.loads(content)
    except ValueError:
        values = _of_yaml(content)
    places = list(_places(values))
    for _ in range(1 if generator.random() < 0.8 else 3):
        container, key = places[int(generator.integers(len(places)))]
        if key not in (container if isinstance(container, dict) else range(len(container))):
            continue
        new = _change(container, key, places, generator)
        if new is not None:  # raw text, which only one change can put in
            container[key] = _MARK
            text = json.dumps(values)
            return text.replace(json.dumps(_MARK), new).encode(errors="surrogatepass")
    return json.dumps(values, ensure_ascii=bool(generator.integers(2))).encode(
        errors="surrogatepass"
    )


def _of_yaml(content: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ValueError("neither JSON nor YAML") from error


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields every container and key below a value; of long lists the first few."""
    if isinstance(value, dict):
        for key, inner in list(value.items())[:200]:
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value[:20]):
            yield value, number
            yield from _places(inner)


def _change(
    container: Any, key: Any, places: list[tuple[Any, Any]], generator: np.random.Generator
) -> str | None:
    """Changes a value in place, or returns the text that takes its place."""
    old = container[key]
    kind = generator.random()
    if kind < 0.1:
        del container[key]
    elif kind < 0.15 and isinstance(container, dict):
        container[_other_name(str(key), generator)] = container.pop(key)
    elif kind < 0.2 and isinstance(container, dict):
        inner = json.dumps(old)  # the same key twice, with another value
        return f"{inner}, {json.dumps(str(key))}: {_VALUES[int(generator.integers(20))]}"
    elif kind < 0.25 and isinstance(container, list):
        container.insert(key, old)
    elif kind < 0.35:
        other, name = places[int(generator.integers(len(places)))]
        if name in (other if isinstance(other, dict) else range(len(other))):
            container[key] = json.loads(json.dumps(other[name]))
    elif kind < 0.45 and isinstance(old, (int, float)) and not isinstance(old, bool):
        container[key] = old + int(generator.choice([-2, -1, 1, 2, 100]))
    elif kind < 0.5:
        container[key] = [old]
    elif kind < 0.55:
        container[key] = {"type": old, "content": old}
    elif kind < 0.6:
        container[key] = str(old)
    else:
        return _VALUES[int(generator.integers(len(_VALUES)))]
    return None


def _other_name(name: str, generator: np.random.Generator) -> str:
    names = [f"{name}_", name.upper(), name[:-1], "", "\ud800", "../" + name, name + "\0", "0"]
    return names[int(generator.integers(len(names)))]
