"""Damage to files whose structure is known: what is damaged is sound around it.

damaged, is_signed = mutations.damage(content, "config.json", generator)

Checksums and lengths around what is changed are those of the new content, so that readers get past
them (`is_signed`). Half of the copies are damaged as bytes all the same.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Callable

import numpy as np

from tests.fuzzing import byte_mutations, json_mutations, proto_mutations, table_mutations

_Damage = Callable[[bytes, np.random.Generator], bytes]


def damage(content: bytes, name: str, generator: np.random.Generator) -> tuple[bytes, bool]:
    """Returns other bytes, or the same where nothing could be done; and whether checksums fit.

    Args:
      content: of the file.
      name: of the file, without folders.
      generator: of random numbers.
    """
    structured = _of(name, content)
    if structured is None or generator.random() < 0.5:
        return byte_mutations.damage(content, generator), False
    try:
        return structured(content, generator), structured in _WITH_CHECKSUMS
    except Exception:  # it was damaged before
        return byte_mutations.damage(content, generator), False


def _of(name: str, content: bytes) -> _Damage | None:
    if name.endswith((".json", ".yaml")):
        return json_mutations.damage
    if name.endswith((".pb", ".model", ".onnx")):
        return proto_mutations.damage
    if name.endswith(".safetensors"):
        return _safetensors
    if name.endswith(".index"):
        return table_mutations.damage
    if name.endswith(".gz"):
        return _gzip
    if content.startswith(b"PK\x03\x04"):
        return _zip
    if name.endswith((".txt", ".xml", "SUMS")):
        return _lines
    return None


def _safetensors(content: bytes, generator: np.random.Generator) -> bytes:
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end]
    kind = generator.random()
    if kind < 0.5:
        header = json_mutations.damage(header, generator)
    elif kind < 0.8:  # one number, or one name, is another's
        values = json.loads(header)
        first, second = generator.choice([name for name in values if name != "__metadata__"], 2)
        key = str(generator.choice(["dtype", "shape", "data_offsets", "name"]))
        if key == "name":
            header = header.replace(f'"{first}"'.encode(), f'"{second}"'.encode(), 1)
        else:
            values[first][key] = values[second][key]
            header = json.dumps(values).encode()
    elif kind < 0.9:
        header += b" " * int(generator.choice([1, 100, 1 << 20]))
    else:
        header = byte_mutations.damage(header, generator)
    data = content[end:]
    if generator.random() < 0.2:
        data = byte_mutations.damage(data, generator)
    return len(header).to_bytes(8, "little") + header + data


def _zip(content: bytes, generator: np.random.Generator) -> bytes:
    """Damages one entry, with a checksum that fits, or the names of entries."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        infos = old.infolist()
        names = [info.filename for info in infos]
        pickles = [number for number, name in enumerate(names) if name.endswith(".pkl")]
        chosen = int(generator.choice(pickles if generator.random() < 0.6 else len(infos)))
        kind = generator.random()
        for number, info in enumerate(infos):
            data, name = old.read(info), info.filename
            compression = zipfile.ZIP_STORED
            if number == chosen and kind < 0.6:
                data = byte_mutations.damage(data, generator)
            elif number == chosen and kind < 0.7:
                name = str(generator.choice([*names, "../out", "/etc/out", "x" * 60_000, ""]))
            elif number == chosen and kind < 0.8:
                continue
            elif number == chosen and kind < 0.9:
                compression = zipfile.ZIP_DEFLATED
                data += bytes(int(generator.choice([0, 1 << 10, 1 << 24])))
            elif number == chosen:
                new.writestr(name, data)
            new.writestr(name, data, compression)
    return made.getvalue()


def _gzip(content: bytes, generator: np.random.Generator) -> bytes:
    return gzip.compress(byte_mutations.damage(gzip.decompress(content), generator), 1, mtime=0)


def _lines(content: bytes, generator: np.random.Generator) -> bytes:
    lines = content.split(b"\n")
    first, second = (int(place) for place in generator.integers(len(lines), size=2))
    new = [
        b"",
        b" ",
        b"\xff\xfe",
        "\u2028".encode(),
        b"\xed\xa0\x80",  # a surrogate
        b"x" * 100_000,
        b"../../x",
        lines[second],
        lines[first].upper(),
        lines[first] + b"\r",
        lines[first] + b"\0",
    ]
    lines[first] = new[int(generator.integers(len(new)))]
    if generator.random() < 0.2:
        lines.insert(second, lines[first])
    return b"\n".join(lines)


_WITH_CHECKSUMS = (table_mutations.damage, _zip, _gzip)
