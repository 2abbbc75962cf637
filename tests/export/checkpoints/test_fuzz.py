"""Damaged checkpoints are refused with an error of ours, never a traceback, never silently.

The exception, which is counted and printed (`pytest -rP`): a flipped bit of a weight in a format
that has no checksums (safetensors, HDF5, torch's old format) leaves another valid number.
"""

import collections
import functools
import pathlib
import shutil
import sys

import numpy as np
import pytest

from configs import errors
from export.checkpoints import mapping, opening, restore
from tests.support import checkpoints, golden, golden_artifacts

_MODEL = golden.MODELS["tiny"]
_SAMPLE, _STRESS = 10, 120
# What can be done to bytes and to tensors, in turn.
_MUTATIONS = ("flip", "cut", "nan", "flip", "drop", "blank", "reshape", "rename", "double")
_WITHOUT_CHECKSUMS = ("safetensors", "keras_hub", "torch_legacy")


def _tensorflow_files(prefix):
    return sorted(prefix.parent.glob(f"{prefix.name}.*"))


class _Kind:
    """A kind of checkpoint: its files, and a function that edits its tensors.

    Attributes:
      path: the file or folder to copy, in the golden root.
      opened: the path to open, in the copy.
      files: the files to damage, in the copy.
      edit: takes the copy and a function that edits a dict of arrays by name in place.
    """

    def __init__(self, path, opened, files, edit):
        self.path, self.opened, self.files, self.edit = path, opened, files, edit


def _edit_tensorflow(prefix, copy, change):
    tensors = checkpoints.read_tensorflow(copy / prefix)
    change(tensors)
    checkpoints.write_tensorflow(copy / prefix, tensors)


def _edit_safetensors(copy, change):
    tensors = checkpoints.read_safetensors(copy / "model.safetensors")
    change(tensors)
    checkpoints.write_safetensors(copy / "model.safetensors", tensors)


def _edit_torch(old, copy, change):
    import torch

    path = copy / "pytorch_model.bin"
    tensors = {name: value.numpy() for name, value in torch.load(path, weights_only=True).items()}
    change(tensors)
    torch.save(
        {name: torch.from_numpy(np.array(value)) for name, value in tensors.items()},
        path,
        _use_new_zipfile_serialization=not old,
    )


def _edit_hdf5(copy, change):
    import h5py

    with h5py.File(copy / "model.weights.h5", "r+") as file:
        tensors = {}
        file.visititems(
            lambda name, item: tensors.update(
                {name: item[()]} if isinstance(item, h5py.Dataset) else {}
            )
        )
        before = dict(tensors)
        change(tensors)
        for name, value in before.items():
            if tensors.get(name) is not value:
                del file[name]
        for name, value in tensors.items():
            if name not in file:
                file[name] = value


def _tensorflow(path, prefix, *more):
    data = [f"{prefix}.index", f"{prefix}.data-00000-of-00001"]
    return _Kind(path, ".", [*data, *more], functools.partial(_edit_tensorflow, prefix))


_KINDS = {
    "tf1": _tensorflow("tf1", "model.ckpt-best"),
    "tf1_hub": _tensorflow("tf1_hub", "variables/variables"),
    "model_garden": _tensorflow("model_garden/encoder", "ckpt-1"),
    "model_garden_pretrainer": _tensorflow("model_garden/pretrainer", "ckpt-1"),
    "saved_model": _tensorflow("model_garden/saved_model", "variables/variables", "saved_model.pb"),
    "own_saved_model": _tensorflow(None, "variables/variables", "saved_model.pb"),
    "safetensors": _Kind("hf", ".", ["model.safetensors"], _edit_safetensors),
    "keras_hub": _Kind("keras_hub/preset", ".", ["model.weights.h5"], _edit_hdf5),
    "torch": _Kind(
        "hf", "pytorch_model.bin", ["pytorch_model.bin"], functools.partial(_edit_torch, False)
    ),
    "torch_legacy": _Kind(
        "hf/legacy", ".", ["pytorch_model.bin"], functools.partial(_edit_torch, True)
    ),
}


def _damage_file(copy, kind, mutation, generator):
    path = copy / generator.choice(kind.files)
    content = bytearray(path.read_bytes())
    start = int(generator.integers(len(content)))
    if mutation == "flip":
        content[start] ^= 1 << int(generator.integers(8))
    elif mutation == "blank":
        content[start : start + 64] = bytes(len(content[start : start + 64]))
    else:
        del content[start:]
    path.write_bytes(content)


def _damage_tensor(names, mutation, generator, tensors):
    candidates = sorted(name for name in tensors if name in names)
    name = str(generator.choice(candidates))
    value = np.array(tensors[name])
    if mutation == "drop":
        del tensors[name]
    elif mutation == "rename":
        tensors[f"{name}_"] = tensors.pop(name)
    elif mutation == "nan":
        value.flat[int(generator.integers(value.size))] = generator.choice([np.nan, np.inf])
        tensors[name] = value
    elif mutation == "double":
        tensors[name] = value.astype(np.float64)
    else:
        tensors[name] = value[None] if value.ndim == 1 else value.reshape(-1)


def _read(path):
    source = opening.open(str(path))
    return restore.read(source, config=_MODEL.config)


@pytest.mark.parametrize("name", _KINDS)
def test_damaged_checkpoints_are_refused(golden_root, tmp_path, name, stress):
    if name.startswith("torch"):
        pytest.importorskip("torch", reason="torch is not installed: .bin files are not tested")
    kind = _KINDS[name]
    original = pathlib.Path(
        golden_root / "tiny" / kind.path
        if kind.path
        else golden_artifacts.directory("tiny", golden_root)
    )
    right = _read(original / kind.opened)
    weights = {
        tensor.name
        for key, tensor in opening.open(str(original / kind.opened)).tensors.items()
        if mapping.ignored_reason(key, checkpoint_format=_format(original / kind.opened)) is None
    }
    if "saved_model" in name:  # their tensors have the names of variables, the file has keys
        weights = {
            key
            for key, shape in _shapes(original / "variables" / "variables").items()
            if "VARIABLE_VALUE" in key and shape
        }
    outcomes = collections.Counter()
    for seed in range(_STRESS if stress else _SAMPLE):
        generator = np.random.default_rng(seed)
        mutation = _MUTATIONS[seed % len(_MUTATIONS)]
        copy = tmp_path / str(seed)
        shutil.copytree(original, copy, ignore=shutil.ignore_patterns("legacy", "gelu_erf"))
        if mutation in ("flip", "cut", "blank"):
            _damage_file(copy, kind, mutation, generator)
        else:
            kind.edit(copy, functools.partial(_damage_tensor, weights, mutation, generator))
        try:
            got = _read(copy / kind.opened)
        except errors.InputError as error:
            assert str(error).strip()
            outcomes[mutation, "refused"] += 1
        else:
            same = set(got) == set(right) and all(
                got[key].tobytes() == right[key].tobytes() for key in right
            )
            outcomes[mutation, "harmless" if same else "other weights"] += 1
            assert mutation in ("flip", "blank", "cut"), (name, seed, mutation)
            assert same or name in _WITHOUT_CHECKSUMS, (name, seed, mutation)
            assert all(np.isfinite(value).all() for value in got.values())
        shutil.rmtree(copy)
    _report(name, outcomes)


def _format(path):
    return opening.open(str(path)).format


def _shapes(prefix):
    import tensorflow as tf

    return tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()


def _report(name, outcomes):
    counts = ", ".join(
        f"{mutation} {outcome}: {count}" for (mutation, outcome), count in sorted(outcomes.items())
    )
    print(f"{name}: {sum(outcomes.values())} mutations; {counts}", file=sys.stdout)
