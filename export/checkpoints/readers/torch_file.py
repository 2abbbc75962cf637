"""Reads `pytorch_model.bin`, which is a pickle, with torch's loader for tensors only.

    tensors = torch_file.read("pytorch_model.bin")

A pickle can run any code. torch.load(weights_only=True) builds tensors and plain containers and
refuses everything else before it is run. There is no other way in here.
"""

import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from configs import errors
from export.checkpoints import lazy_checkpoint

_ZIP = b"PK\x03\x04"
# What torch.save wrote before 1.6: a pickle (protocol 2) of the number 0x1950a86a20f9469cfc6c.
_LEGACY = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")


def looks_like(start: bytes) -> bool:
    """Returns whether a file that starts with these bytes (15 at least) may be a torch file."""
    return start.startswith((_ZIP, _LEGACY))


def read(path: str) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors of a file by name.

    A zip file (torch 1.6 and later) is mapped into memory; a legacy one is read at once.

    Raises:
      errors.CheckpointError: torch is not installed; the file cannot be read, is truncated or
        corrupted, or holds anything but tensors.
    """
    is_zip = _is_zip(path)
    if is_zip:
        _check_checksums(path)
    try:
        import torch
    except ImportError as error:
        raise errors.CheckpointError(
            f"{path!r} is a pickle, which only torch reads safely: "
            "pip install torch, or convert it to model.safetensors"
        ) from error
    values = _load(torch, path, is_zip=is_zip)
    if not isinstance(values, dict) or not values:
        raise errors.CheckpointError(f"{path!r} does not hold a dict of tensors")
    others = sorted(
        repr(name)
        for name, value in values.items()
        if not isinstance(name, str) or not isinstance(value, torch.Tensor)
    )
    if others:
        raise errors.CheckpointError(f"{path!r} holds other things than tensors: {others[0]}")
    _check_sizes(path, values)
    return {name: _lazy(torch, path, name, value) for name, value in values.items()}


def _check_sizes(path: str, tensors: Mapping[str, Any]) -> None:
    """Checks that values are in the file: a pickle may say that one number stands for many."""
    size = os.path.getsize(path)
    larger = [name for name, t in tensors.items() if t.numel() * t.element_size() > size]
    if larger:
        raise errors.CheckpointError(
            f"{path!r} has {size} bytes, and tensors that are larger: {', '.join(larger)}"
        )


def _is_zip(path: str) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile as error:  # it ends as one of several files does
        raise errors.CheckpointError(f"{path!r} is truncated or corrupted: {error}") from error


def _check_checksums(path: str) -> None:
    """Verifies the checksums of a zip file, which torch does not when it maps the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            is_torch = any(name.endswith("/data.pkl") for name in archive.namelist())
            size = sum(info.file_size for info in archive.infolist())
            if is_torch and size > os.path.getsize(path):  # torch compresses nothing
                raise zipfile.BadZipFile(f"{size} bytes are said to be in it")
            broken = archive.testzip() if is_torch else None
    except Exception as error:  # zipfile raises whatever a broken file makes it run into
        raise errors.CheckpointError(f"{path!r} is truncated or corrupted: {error}") from error
    if not is_torch:
        raise errors.CheckpointError(
            f"{path!r} is a zip file that torch did not write; of a Keras model (.keras), save "
            "the encoder as a SavedModel"
        )
    if broken:
        raise errors.CheckpointError(f"{path!r} is corrupted: checksum of {broken!r}")


def _load(torch: Any, path: str, *, is_zip: bool) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except Exception as error:  # the loader raises whatever a broken pickle makes it run into
        raise errors.CheckpointError(
            f"{path!r} is not a file of tensors that torch.load(weights_only=True) accepts, or it "
            f"is truncated or corrupted: {errors.first_line(error)}"
        ) from error


def _lazy(torch: Any, path: str, name: str, tensor: Any) -> lazy_checkpoint.LazyTensor:
    def read_tensor() -> np.ndarray:
        try:
            plain = tensor.detach().contiguous()
            return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
        except (RuntimeError, TypeError, ValueError) as error:  # sparse, quantized, meta
            raise errors.CheckpointError(f"{path!r}: tensor {name!r}: {error}") from error

    return lazy_checkpoint.LazyTensor(
        name=name,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        read=read_tensor,
    )
