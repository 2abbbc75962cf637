"""Reads KerasHub's weights: `model.weights.h5` of a preset, or a whole task's.

    tensors = keras_hub.read("preset/model.weights.h5", blocks_per_group=1)

The file addresses layers by class and number (`layers/dense_1/vars/0`). Newer Keras versions write
the layer's name beside it; for older ones it follows from the order that AlbertBackbone makes them
in.
"""

from typing import Any

import numpy as np

from configs import errors
from export.sources import source

_MAGIC = b"\x89HDF\r\n\x1a\n"

# Folders of layers: Keras 3, and Keras 2.13 before it.
_FOLDERS = ("layers", "_layer_checkpoint_dependencies")
_BACKBONE = "albert_backbone"
_BLOCK = "transformer_encoder"
# Layers with weights other than the blocks, by class and number.
_LAYERS = {
    "reversible_embedding": "token_embedding",
    "position_embedding": "position_embedding",
    "embedding": "segment_embedding",
    "layer_normalization": "embeddings_layer_norm",
    "dense": "embedding_projection",
    "dense_1": "pooled_dense",
    "masked_lm_head": "mlm_head",
}


def looks_like(path: str) -> bool:
    """Returns whether a file is an HDF5 file, by its content."""
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read(path: str, *, blocks_per_group: int) -> dict[str, source.LazyTensor]:
    """Returns the tensors by layer and number, `pooled_dense/0`.

    Args:
      path: the file.
      blocks_per_group: `num_inner_repetitions` of the config, which numbers the blocks in files
        without names.

    Raises:
      errors.CheckpointError: the file cannot be read, or two tensors have the same name.
    """
    import h5py

    found: dict[str, source.LazyTensor] = {}
    try:
        with h5py.File(path, "r") as file:
            datasets: list[tuple[str, Any]] = []
            file.visititems(lambda name, item: datasets.append((name, item)))
            for name, dataset in datasets:
                if not isinstance(dataset, h5py.Dataset):
                    continue
                if dataset.external or dataset.is_virtual:
                    raise ValueError(f"{name!r} stands in another file")
                canonical = _canonical_name(name, file, blocks_per_group)
                if canonical in found:
                    raise ValueError(f"two tensors are {canonical!r}")
                found[canonical] = _lazy(path, name, dataset)
    except _read_errors() as error:
        raise _error(path, error) from error
    return found


def _lazy(path: str, name: str, dataset: Any) -> source.LazyTensor:
    import h5py

    def read_tensor() -> np.ndarray:
        try:
            with h5py.File(path, "r") as file:
                return file[name][()]
        except _read_errors() as error:
            raise _error(path, error) from error

    return source.LazyTensor(
        name=name,
        shape=tuple(dataset.shape or ()),
        dtype=dataset.dtype.name,
        read=read_tensor,
    )


def _canonical_name(name: str, file: Any, blocks_per_group: int) -> str:
    parts = name.split("/")
    start = 0
    if parts[0] in _FOLDERS and len(parts) > 2:
        start = 2 if _layer_name(parts[:2], file, blocks_per_group) == _BACKBONE else 0
    inner = [part for part in parts[start:] if part != "vars"]
    if inner[0] in _FOLDERS and len(inner) > 2:
        layer = _layer_name(parts[: start + 2], file, blocks_per_group)
        inner = [layer, *(part.lstrip("_") for part in inner[2:])]
    return "/".join(inner)


def _layer_name(parts: list[str], file: Any, blocks_per_group: int) -> str:
    """Returns the name of the layer at a path: as it is written, or else by class and number."""
    variables = file["/".join(parts)].get("vars")
    written = variables.attrs.get("name") if variables is not None else None
    if isinstance(written, str):
        return written
    layer = parts[-1]
    if layer == _BLOCK or layer.removeprefix(f"{_BLOCK}_").isdecimal():
        number = int(layer.removeprefix(_BLOCK).removeprefix("_") or 0)
        group, inner = divmod(number, blocks_per_group)
        return f"group_{group}_inner_layer_{inner}"
    return _LAYERS.get(layer, layer)


def _read_errors() -> tuple[type[Exception], ...]:
    # What h5py raises where HDF5 fails.
    return (OSError, ValueError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError)


def _error(path: str, error: Exception) -> errors.CheckpointError:
    return errors.CheckpointError(
        f"{path!r} is not an HDF5 file of Keras weights, or it is truncated or corrupted: {error}"
    )
