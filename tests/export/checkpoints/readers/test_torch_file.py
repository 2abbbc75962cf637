"""`pytorch_model.bin`: read by torch's loader for tensors only, refused where it holds more."""

import builtins
import pickle
import shutil
import sys
import zipfile

import numpy as np
import pytest

from configs import errors
from export.checkpoints import opening, restore
from tests.support import golden


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed: .bin files are not tested")


@pytest.mark.parametrize("name", golden.MODELS)
@pytest.mark.parametrize("source", ["hf/pytorch_model.bin", "hf/legacy"])
def test_bin_gives_the_same_bits_as_safetensors(torch, golden_root, name, source):
    first, second = (
        opening.open(str(golden_root / name / path)) for path in ("hf/model.safetensors", source)
    )
    expected = restore.read(first, config=first.config)
    got = restore.read(second, config=second.config)
    assert set(got) == set(expected)
    for variable, value in expected.items():
        assert got[variable].tobytes() == value.tobytes(), variable


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_widened_exactly(torch, golden_root, tmp_path, dtype):
    model = golden_root / "tiny" / "hf"
    shutil.copy(model / "config.json", tmp_path)
    state = torch.load(model / "pytorch_model.bin", weights_only=True)
    halves = {name: tensor.to(getattr(torch, dtype)) for name, tensor in state.items()}
    torch.save(halves, tmp_path / "pytorch_model.bin")
    opened = opening.open(str(tmp_path))
    got = restore.read(opened, config=opened.config)["pooler_transform/bias"]
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, halves["albert.pooler.bias"].float().numpy())
    assert opened.manifest_entries()["dtypes"] == [dtype]


class _Bomb:
    def __reduce__(self):
        return builtins.exec, ("import pathlib; pathlib.Path(bomb).touch()",)


@pytest.mark.parametrize("new_zip", [True, False])
def test_a_pickle_with_anything_but_tensors_is_refused_and_never_run(
    torch, tmp_path, monkeypatch, new_zip
):
    mark = tmp_path / "exploded"
    monkeypatch.setattr(builtins, "bomb", str(mark), raising=False)
    path = tmp_path / "pytorch_model.bin"
    torch.save({"weight": _Bomb()}, path, _use_new_zipfile_serialization=new_zip)
    with pytest.raises(errors.CheckpointError, match="weights_only=True"):
        opening.open(str(path))
    assert not mark.exists()


def test_other_values_among_the_tensors_are_refused(torch, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"albert.pooler.bias": torch.zeros(2), "epoch": 3}, path)
    with pytest.raises(errors.CheckpointError, match="other things than tensors: 'epoch'"):
        opening.open(str(path))


def test_a_pickle_that_torch_did_not_write_is_not_taken_for_a_checkpoint(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(errors.CheckpointError, match="neither a safetensors file nor"):
        opening.open(str(tmp_path))
    with pytest.raises(errors.CheckpointError, match="no checkpoint"):
        opening.open(str(path))


def test_another_zip_file_is_not_taken_for_torchs(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(errors.CheckpointError, match=r"torch did not write.*\.keras"):
        opening.open(str(tmp_path / "model.keras"))


def test_a_zip_file_that_grows_when_it_is_unpacked_is_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    with pytest.raises(errors.CheckpointError, match="10000000 bytes are said to be in it"):
        opening.open(str(path))


def test_a_flipped_byte_in_a_zip_is_found_by_its_checksum(golden_root, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    content = bytearray((golden_root / "tiny" / "hf" / "pytorch_model.bin").read_bytes())
    with zipfile.ZipFile(golden_root / "tiny" / "hf" / "pytorch_model.bin") as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size)
    content[largest.header_offset + largest.file_size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(errors.CheckpointError, match="corrupted"):
        opening.open(str(path))


def test_without_torch_the_error_says_what_to_do(golden_root, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(errors.CheckpointError) as caught:
        opening.open(str(golden_root / "tiny" / "hf" / "pytorch_model.bin"))
    assert "pip install torch" in str(caught.value)
    assert "safetensors" in str(caught.value)
