"""Files that were made to crash, hang or fill memory, one of each kind, with sound checksums.

`hostile_models` has the SavedModels that would do more than compute.
"""

import os
import zipfile

import h5py
import numpy as np
import pytest

from configs import albert_config, errors, strangers_files
from export.checkpoints import opening
from export.checkpoints.readers import keras_file, tensorflow_checkpoint, torch_file
from export.metadata import checksums, manifest
from tests.fuzzing import harness, proto_mutations, readers, table_mutations
from tests.support import checkpoints, golden

# Nine lists, each of which has the one before nine times.
_NESTED_ALIASES = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
_TF1 = golden.MODELS["tiny"].directory / "tf1"


def _with_entry(folder, change):
    """Writes a checkpoint of one tensor, [3], whose index entry was changed."""
    checkpoints.write_tensorflow(folder / "ckpt", {"a": np.zeros(3, np.float32)})
    index = folder / "ckpt.index"
    entries = dict(table_mutations.entries(index.read_bytes()))
    entries[b"a"] = change(entries[b"a"])
    index.write_bytes(table_mutations.table(sorted(entries.items())))
    return str(folder / "ckpt")


def _shape(*dimensions):
    """Returns field 2 of a BundleEntryProto: a shape of dimensions (2) of sizes (1)."""
    serialize = proto_mutations.serialize
    return serialize(
        [(2, 2, serialize([(2, 2, serialize([(1, 0, size % 2**64)])) for size in dimensions]))]
    )


@pytest.mark.parametrize(
    "change, message",
    [
        # TensorFlow's own reader ends the process at the first three.
        (lambda entry: entry + _shape(-1), "no shape that a tensor can have"),
        (lambda entry: entry + b"\xff", "its index is damaged"),
        (lambda entry: entry + _shape(*[1] * 300), "no shape that a tensor can have"),
        (lambda entry: entry + _shape(2**40), "larger than the 12 bytes"),
        (lambda entry: entry + b"\x08\x63", "no type"),
        (lambda entry: entry + b"\x18\x07", "data file 7 of 1"),
        (lambda entry: entry + b"\x20\x80\x80\x40", "behind the end of its data file"),
    ],
)
def test_index_with_sound_checksums_is_not_trusted(tmp_path, change, message):
    with pytest.raises(errors.CheckpointError, match=message):
        tensorflow_checkpoint.read(_with_entry(tmp_path, change))


def test_index_that_is_written_again_is_read(tmp_path):
    prefix = _with_entry(tmp_path, lambda entry: entry)
    assert tensorflow_checkpoint.read(prefix)["a"].read().tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["x.index", "model.safetensors", "config.json", "saved_model.pb"])
def test_pipes_are_not_waited_for(tmp_path, name):
    for path in (_TF1 / "train").iterdir():
        os.link(path, tmp_path / path.name)
    os.mkfifo(tmp_path / name)
    assert opening.open(str(tmp_path)).format == "tf1"
    with pytest.raises(OSError, match="not a plain file"):
        checksums.sha256(str(tmp_path / name))


def test_manifest_that_is_a_pipe_is_not_waited_for(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    os.mkfifo(tmp_path / manifest.FILE)
    with pytest.raises(OSError, match="not a plain file"):
        manifest.read(str(tmp_path))


def test_groups_nested_by_the_thousand_are_refused(tmp_path):
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        file["/".join(["x"] * 3000)] = np.zeros(3)
    with pytest.raises(errors.CheckpointError, match="below more than 30 groups"):
        keras_file.read(str(tmp_path / "deep.h5"))


def test_groups_that_contain_themselves_end(tmp_path):
    with h5py.File(tmp_path / "cycle.h5", "w") as file:
        file["a/b"] = np.ones(3)
        file["a/root"] = file["/"]
    assert set(keras_file.read(str(tmp_path / "cycle.h5"))) == {"a/b"}


@pytest.mark.parametrize("target", ["/", "/a", "/nowhere"])
def test_a_group_that_is_only_a_name_of_another_is_refused(target, tmp_path):
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["a/b"] = np.ones(3)
        file["head"] = h5py.SoftLink(target)
    with pytest.raises(errors.CheckpointError, match="'head' is not to be found, or a link"):
        keras_file.read(str(tmp_path / "link.h5"))


def test_the_driver_of_a_file_in_several_is_refused_before_it_takes_memory(tmp_path):
    path = tmp_path / "driver.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.ones(300, np.float32)
    content = bytearray(path.read_bytes())
    assert content[48:56] == b"\xff" * 8  # no address of a driver's settings
    content[48:56] = (1024).to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(errors.CheckpointError, match="a part of a file in several"):
        keras_file.read(str(path))


@pytest.mark.parametrize(
    ("name", "number"), [("tf_albert", 6550), ("keras_hub_task", 4553), ("keras_hub_task", 7924)]
)
def test_copies_that_once_were_found_are_found_no_more(name, number):
    report = harness.run(readers.READERS[name], count=1, seed=0, first=number)
    assert report.findings == []
    assert sum(report.counts.values()) == 1


def test_zip_bombs_are_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}", bytes(1 << 24))
    with pytest.raises(errors.CheckpointError, match="zip file that torch did not write"):
        torch_file.read(str(tmp_path / "pytorch_model.bin"))
    with zipfile.ZipFile(tmp_path / "pytorch_model.bin", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(1 << 20))
    with pytest.raises(errors.CheckpointError, match="bytes are said to be in it"):
        torch_file.read(str(tmp_path / "pytorch_model.bin"))


def test_end_of_a_zip_file_of_several_disks_is_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", b"x")
    content = path.read_bytes()
    locator = b"PK\x06\x07" + bytes(12) + (9).to_bytes(4, "little")  # of ZIP64: 9 disks
    path.write_bytes(content[:-22] + locator + content[-22:])
    with pytest.raises(errors.CheckpointError, match="multiple disks"):
        torch_file.read(str(path))


def test_one_number_that_stands_for_a_terabyte_is_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.save({"a": torch.zeros(1).expand(1 << 38)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(errors.CheckpointError, match="tensors that are larger: a"):
        torch_file.read(str(tmp_path / "pytorch_model.bin"))


@pytest.mark.parametrize(
    "content, message",
    [
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", None),
        (_NESTED_ALIASES, "more than 100000 values"),
        ("a: &a [*a]\n", "more than 100000 values"),
        ("a: !!python/object/apply:os.system [x]\n", "could not determine a constructor"),
        ("[" * 10_000 + "]" * 10_000, "nested more than 100 times"),
        ("{a: " * 10_000, "nested more than 100 times"),
        ("- " * 10_000, "nested more than 100 times"),
    ],
)
def test_yaml_that_grows_is_refused(tmp_path, content, message):
    path = tmp_path / "params.yaml"
    path.write_text(content)
    if message is None:
        assert albert_config.read_file(str(path))["b"] == [["x", "x"]] * 2
        return
    with pytest.raises(errors.ConfigError, match=message):
        albert_config.read_file(str(path))


@pytest.mark.parametrize(
    "text, message",
    [
        ("[" * 10_000, "nested too deep"),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"\\uDfff": 1}', "half a character"),
        ('{"a": 1' + "0" * 5000 + "}", "digits"),
    ],
)
def test_json_that_could_not_be_written_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        strangers_files.parse_json(text)


def test_json_with_whole_characters_is_read():
    assert strangers_files.parse_json('["\\ud83d\\ude00", "\\u00e9"]') == ["\U0001f600", "\u00e9"]


def test_config_of_a_million_layers_is_refused_at_once():
    config = albert_config.SIZES["tiny"].to_json() | {"num_hidden_layers": 10**9}
    with pytest.raises(errors.ConfigError, match="more than 1000"):
        albert_config.from_json(config)


def test_long_errors_keep_their_beginning_and_their_end():
    message = str(errors.InputError("begin" + "x" * 100_000 + "end"))
    assert len(message) < 10_000 and "characters more" in message
    assert message.startswith("begin") and message.endswith("end")


def test_manifest_with_other_types_is_refused(tmp_path):
    manifest.write(str(tmp_path), artifact="encoder", entries={"heads": [1], "config": []})
    with pytest.raises(errors.CheckpointError, match="config; heads"):
        manifest.read(str(tmp_path))
