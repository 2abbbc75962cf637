"""Damage to HDF5 files that their library writes.

hdf5_mutations.damage(path, generator)  # False for a file that is damaged already
"""

import functools
import io
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def damage(path: pathlib.Path, generator: np.random.Generator) -> bool:
    """Changes one data set in place; returns whether it could."""
    import h5py

    if not h5py.is_hdf5(path):
        return False
    made = path.with_name("made.h5")
    content = path.read_bytes()
    made.write_bytes(content)
    try:
        sets = _data_sets(content)
        with h5py.File(made, "r+") as file:
            name, other = (str(one) for one in generator.choice(sets, 2))
            _CHANGES[int(generator.integers(len(_CHANGES)))](file, name, other, generator)
    except (
        OSError,
        ValueError,
        RuntimeError,
        LookupError,
        TypeError,
        AttributeError,
    ):  # cannot be done to it
        made.unlink(missing_ok=True)
        return False
    path.unlink()
    os.replace(made, path)
    return True


@functools.lru_cache(maxsize=8)  # most copies are of the same few files, and listing takes longest
def _data_sets(content: bytes) -> tuple[str, ...]:
    """Returns the names of the data sets in a file.

    Raises:
      ValueError: its groups are as deep as those of `_deep`, which takes 20 seconds to list.
    """
    import h5py

    names: list[str] = []
    with h5py.File(io.BytesIO(content), "r") as file:
        if "x/x/x" in file:
            raise ValueError("too deep to be listed")
        file.visititems(lambda name, _: names.append(name))
        return tuple(name for name in names if isinstance(file[name], h5py.Dataset))


def _delete(file: Any, name: str, *_: Any) -> None:
    del file[name]


def _rename(file: Any, name: str, other: str, generator: np.random.Generator) -> None:
    names = (f"{name}_", f"{name}/x", "..", "x" * 10_000, f"{other}x", "é\u202e", other)
    new = str(names[int(generator.integers(len(names)))])
    if new in file:
        del file[new]
    file.move(name, new)


def _replace(file: Any, name: str, _: str, generator: np.random.Generator) -> None:
    value = np.asarray(file[name])
    new: Sequence[Any] = (
        value[None],
        value.reshape(-1)[:-1],
        value.astype(np.float64),
        value.astype(np.complex64),
        value.astype(np.int8),
        value.astype(">f4"),
        np.full_like(value, np.nan),
        value.astype("S8"),
        np.array("text", object),
        value.view([("a", value.dtype)]),
        np.zeros(0, value.dtype),
        np.float32(1),
        value * 0 + np.float32(2),
    )
    del file[name]
    file[name] = new[int(generator.integers(len(new)))]


def _hollow(file: Any, name: str, _: str, generator: np.random.Generator) -> None:
    """Declares values that were never written."""
    import h5py

    shape = file[name].shape if generator.random() < 0.5 else (1 << 20, 1 << 20)
    kinds = ({"chunks": True}, {"chunks": True, "compression": "gzip"}, {})
    del file[name]
    if generator.random() < 0.1:
        file[name] = h5py.Empty("f4")
    else:
        file.create_dataset(name, shape, "f4", **kinds[int(generator.integers(3))])


def _compressed(file: Any, name: str, _: str, generator: np.random.Generator) -> None:
    value, zeros = np.asarray(file[name]), np.zeros((1 << 24,), np.float32)
    del file[name]
    data = value if generator.random() < 0.5 else zeros
    file.create_dataset(name, data=data, compression="gzip", chunks=True)


def _link(file: Any, name: str, other: str, generator: np.random.Generator) -> None:
    import h5py

    links = (
        h5py.SoftLink("/" + other),
        h5py.SoftLink("/" + name),
        h5py.SoftLink("/"),
        h5py.SoftLink("nowhere"),
        h5py.ExternalLink("/etc/hostname", "/"),
        h5py.ExternalLink("made.h5", "/" + other),
        file["/"],
        file[other],
    )
    new = links[int(generator.integers(len(links)))]
    del file[name]
    file[name] = new


def _virtual(file: Any, name: str, other: str, generator: np.random.Generator) -> None:
    import h5py

    shape = file[name].shape
    del file[name]
    if generator.random() < 0.5:
        layout = h5py.VirtualLayout(shape=shape, dtype="f4")
        layout[...] = h5py.VirtualSource(".", other, shape=shape)
        file.create_virtual_dataset(name, layout)
    else:
        file.create_dataset(name, shape, "f4", external=[("/etc/passwd", 0, 1 << 20)])


def _deep(file: Any, name: str, *_: Any) -> None:
    file.create_group("/".join(["x"] * 1000))
    file.move(name, "/".join(["y"] * 3000))


def _attribute(file: Any, name: str, _: str, generator: np.random.Generator) -> None:
    for key in ("weight_names", "name", "vars"):
        file[name].attrs[key] = generator.bytes(100)


_CHANGES: Sequence[Callable[..., None]] = (
    _delete,
    _rename,
    _replace,
    _replace,
    _hollow,
    _compressed,
    _link,
    _virtual,
    _deep,
    _attribute,
)
