"""The format of a checkpoint is detected from its files; unreadable checkpoints are refused."""

import dataclasses
import json
import os
import shutil

import h5py
import numpy as np
import pytest

from configs import albert_config, errors
from export.artifacts import encoder_spec
from export.checkpoints import opening, restore, weight_table
from export.verification import numpy_albert
from tests.support import checkpoints, golden, processes


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("tf1/model.ckpt-best", "tf1"),
        ("tf1/model.ckpt-best.index", "tf1"),
        ("tf1", "tf1"),
        ("tf1/train", "tf1"),
        ("tf1_hub", "tf1_hub"),
        ("hf", "huggingface"),
        ("hf/model.safetensors", "huggingface"),
        ("model_garden/encoder", "model_garden"),
        ("model_garden/pretrainer/ckpt-1", "model_garden"),
        ("model_garden/saved_model", "saved_model"),
        ("keras_hub/preset", "keras_hub"),
        ("keras_hub/masked_lm.weights.h5", "keras_hub"),
    ],
)
def test_kind_is_found_from_what_is_there(golden_root, source, expected):
    path = str(golden_root / "tiny" / source)
    assert opening.open(path).format == expected
    assert opening.open(path, checkpoint_format=expected).format == expected


def test_kind_does_not_depend_on_names(golden_root, tmp_path):
    shutil.copy(golden_root / "tiny" / "hf" / "model.safetensors", tmp_path / "weights.h5")
    shutil.copy(
        golden_root / "tiny" / "keras_hub" / "preset" / "model.weights.h5", tmp_path / "w.bin"
    )
    assert opening.open(str(tmp_path / "weights.h5")).format == "huggingface"
    assert opening.open(str(tmp_path / "w.bin")).format == "keras_hub"


def test_opening_safetensors_imports_no_tensorflow(golden_root):
    program = (
        "import sys\n"
        "from export.checkpoints import opening, restore\n"
        "source = opening.open(sys.argv[1])\n"
        "restore.read(source, config=source.config)\n"
        "assert not {'tensorflow', 'torch', 'h5py', 'huggingface_hub'} & set(sys.modules)\n"
    )
    path = str(golden_root / "tiny" / "hf")
    without = processes.environment(without_tensorflow=True)
    done = processes.python("-c", program, path, env=without)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", golden.MODELS)
@pytest.mark.parametrize("source", ["tf1", "tf1_hub", "hf"])
def test_config_comes_with_the_weights(golden_root, name, source):
    opened = opening.open(str(golden_root / name / source))
    assert opened.config == golden.MODELS[name].config


def test_config_is_absent_where_there_is_none(golden_root):
    assert opening.open(str(golden_root / "tiny" / "model_garden" / "encoder")).config is None


def test_keras_hub_config_says_what_keras_hub_computes(golden_root):
    config = opening.open(str(golden_root / "tiny_groups" / "keras_hub" / "preset")).config
    original = golden.MODELS["tiny_groups"].config
    assert config.hidden_act == albert_config.GELU_TANH and config.layer_norm_eps == 1e-12
    for field in ("num_hidden_groups", "inner_group_num", "vocab_size", "embedding_projection"):
        assert getattr(config, field) == getattr(original, field)


def test_keras_hub_dropout_is_every_dropout(golden_root, tmp_path):
    preset = golden_root / "tiny" / "keras_hub" / "preset"
    shutil.copy(preset / "model.weights.h5", tmp_path)
    values = json.loads((preset / "config.json").read_text())
    values["config"]["dropout"] = 0.25
    (tmp_path / "config.json").write_text(json.dumps(values))
    config = opening.open(str(tmp_path)).config
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.25
    values["registered_name"] = "keras_hub>BertBackbone"
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(errors.ConfigError, match="AlbertBackbone"):
        _ = opening.open(str(tmp_path)).config


@pytest.mark.parametrize("name", ["tiny", "tiny_groups"])
def test_keras_hub_files_of_older_versions_are_read(golden_root, tmp_path, name):
    preset = golden_root / name / "keras_hub" / "preset"
    shutil.copytree(preset, tmp_path, dirs_exist_ok=True)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as file:
        file.visititems(lambda _, item: item.attrs.pop("name", None) and None)
        file.move("layers", "_layer_checkpoint_dependencies")  # as Keras 2.13 wrote it
    new, old = opening.open(str(preset)), opening.open(str(tmp_path))
    expected = restore.read(new, config=new.config)
    got = restore.read(old, config=old.config)
    assert set(got) == set(expected)
    assert all(got[variable].tobytes() == expected[variable].tobytes() for variable in got)


def test_damaged_names_of_keras_layers_do_no_harm(golden_root, tmp_path):
    """HDF5 1.14.6 never returns from reading a string whose heap is zeroed."""
    preset = golden_root / "tiny" / "keras_hub" / "preset"
    content = bytearray((preset / "model.weights.h5").read_bytes())
    heap = content.index(b"GCOL") + 16  # behind the header of a collection of strings
    content[heap : heap + 64] = bytes(64)
    (tmp_path / "model.weights.h5").write_bytes(content)
    opened = opening.open(str(tmp_path))
    got = restore.read(opened, config=golden.MODELS["tiny"].config)
    assert all(got[name].tobytes() == golden.tensors("tiny")[name].tobytes() for name in got)


def test_keras_hub_masked_lm_weights_give_the_head_with_its_own_epsilon(golden_root):
    folder = golden_root / "tiny" / "keras_hub"
    source = opening.open(str(folder / "masked_lm.weights.h5"))
    assert restore.has_mlm_head(source)
    config = source.fitted(golden.MODELS["tiny"].config)
    assert config.mlm_layer_norm_eps == 1e-5 and config.layer_norm_eps == 1e-12
    got = restore.read(source, config=config)
    assert "cls/predictions/output_bias/bias" in got
    assert all(got[name].tobytes() == golden.tensors("tiny")[name].tobytes() for name in got)
    inputs = golden.inputs(golden.MODELS["tiny"])
    with np.load(folder / "expected.npz") as arrays:
        expected = arrays["mlm_logits"]
    logits = numpy_albert.encode(got, config=config, inputs=inputs)["mlm_logits"]
    np.testing.assert_allclose(logits, expected, atol=8e-6, rtol=0)
    other = dataclasses.replace(config, mlm_layer_norm_eps=None)
    logits = numpy_albert.encode(got, config=other, inputs=inputs)["mlm_logits"]
    assert np.abs(logits - expected).max() > 2e-5


def test_the_encoder_of_a_fine_tuned_keras_hub_task_is_read(golden_root, tmp_path):
    shutil.copy(golden_root / "tiny" / "keras_hub" / "masked_lm.weights.h5", tmp_path / "task.h5")
    with h5py.File(tmp_path / "task.h5", "r+") as file:
        for layer in ("dense", "dense_1"):  # the task's own layers
            file[f"layers/{layer}/vars/0"] = np.zeros([32, 3], np.float32)
    source = opening.open(str(tmp_path / "task.h5"))
    assert not source.heads
    got = restore.read(source, config=golden.MODELS["tiny"].config)
    assert all(got[name].tobytes() == golden.tensors("tiny")[name].tobytes() for name in got)


def test_names_below_module_are_those_of_a_fine_tuned_hub_module(golden_root, tmp_path):
    tensors = checkpoints.read_tensorflow(golden_root / "tiny" / "tf1" / "model.ckpt-best")
    renamed = {
        f"module/{name}" if name.startswith("bert/") else name: value
        for name, value in tensors.items()
        if not name.startswith("cls/")
    }
    checkpoints.write_tensorflow(
        tmp_path / "model.ckpt-7", renamed | {"output_weights": np.zeros([3, 32], np.float32)}
    )
    opened = opening.open(str(tmp_path))
    assert not restore.has_mlm_head(opened)
    assert opened.found_heads.kinds == ("classify",)
    got = restore.read(opened, config=golden.MODELS["tiny"].config, heads=())
    assert all(got[name].tobytes() == golden.tensors("tiny")[name].tobytes() for name in got)


def _shard(golden_root, tmp_path):
    tensors = checkpoints.read_safetensors(golden_root / "tiny" / "hf" / "model.safetensors")
    names = sorted(tensors)
    halves = {"model-00001-of-00002.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in halves.items():
        checkpoints.write_safetensors(tmp_path / file, {name: tensors[name] for name in part})
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    shutil.copy(golden_root / "tiny" / "hf" / "config.json", tmp_path)
    return index


def test_sharded_files_are_read(golden_root, tmp_path):
    index = _shard(golden_root, tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    opened = opening.open(str(tmp_path))
    assert len(opened.files) == 3
    got = restore.read(opened, config=opened.config)
    assert all(got[name].tobytes() == golden.tensors("tiny")[name].tobytes() for name in got)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update({"more": "b.safetensors"}), "more is in no file"),
        (lambda m: m.pop("predictions.bias"), "which the index denies"),
        (lambda m: m.update({"more": "../b.safetensors"}), "not the index"),
        (lambda m: m.update({"more": "c.safetensors"}), "does not exist"),
        (lambda m: m.update({"more": 3}), "not the index"),
    ],
)
def test_an_index_that_does_not_fit_its_files_is_refused(golden_root, tmp_path, change, reason):
    index = _shard(golden_root, tmp_path)
    change(index["weight_map"])
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(errors.CheckpointError, match=reason):
        opening.open(str(tmp_path))


def test_several_kinds_in_one_directory_are_ambiguous(golden_root, tmp_path):
    shutil.copytree(golden_root / "tiny" / "hf", tmp_path, dirs_exist_ok=True)
    shutil.copy(
        golden_root / "tiny" / "keras_hub" / "preset" / "model.weights.h5",
        tmp_path / "model.weights.h5",
    )
    with pytest.raises(errors.CheckpointError, match="huggingface and keras_hub"):
        opening.open(str(tmp_path))
    assert opening.open(str(tmp_path), checkpoint_format="keras_hub").format == "keras_hub"


def test_several_checkpoints_in_one_directory_need_a_checkpoint_file(golden_root, tmp_path):
    for step in (1, 2):
        for file in (golden_root / "tiny" / "tf1").glob("model.ckpt-best.*"):
            shutil.copy(file, tmp_path / file.name.replace("best", str(step)))
    with pytest.raises(errors.CheckpointError, match=r"model\.ckpt-1, model\.ckpt-2"):
        opening.open(str(tmp_path))
    # Written where the model was trained: only the last part of the path counts.
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/gone/model.ckpt-2"\n')
    assert opening.open(str(tmp_path)).files[0] == str(tmp_path / "model.ckpt-2.index")


def test_a_forced_kind_that_is_not_there_is_refused(golden_root):
    with pytest.raises(errors.CheckpointError, match="holds no checkpoint of keras_hub"):
        opening.open(str(golden_root / "tiny" / "hf"), checkpoint_format="keras_hub")
    with pytest.raises(errors.CheckpointError, match="is of format model_garden, not tf1"):
        opening.open(str(golden_root / "tiny" / "model_garden/encoder"), checkpoint_format="tf1")
    with pytest.raises(errors.CheckpointError, match="must be one of tf1"):
        opening.open(str(golden_root / "tiny" / "hf"), checkpoint_format="onnx")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "holds nothing"),
        (lambda path: path.write_text("hello, this is a text file"), "no checkpoint"),
        (lambda path: path.write_bytes(b""), "no checkpoint"),
        (lambda path: path.write_text('{"a": 1}'), "not the index"),
    ],
)
def test_what_is_not_a_checkpoint_is_refused(tmp_path, make, reason):
    make(tmp_path / "thing")
    with pytest.raises(errors.CheckpointError, match=reason):
        opening.open(str(tmp_path / "thing"))


def test_weights_of_another_model_are_refused_with_some_of_their_names(tmp_path):
    checkpoints.write_safetensors(
        tmp_path / "model.safetensors", {"bert.pooler.weight": np.zeros([2, 2], np.float32)}
    )
    with pytest.raises(errors.CheckpointError, match=r"no weights of ALBERT.*bert\.pooler\.weight"):
        opening.open(str(tmp_path))


def test_missing_data_files_of_a_checkpoint_are_named(golden_root, tmp_path):
    shutil.copy(golden_root / "tiny" / "tf1" / "model.ckpt-best.index", tmp_path)
    with pytest.raises(errors.CheckpointError, match=r"no \.data file"):
        opening.open(str(tmp_path))


@pytest.mark.parametrize(
    "source", ["tf1", "tf1_hub", "model_garden/encoder", "model_garden/saved_model"]
)
def test_folders_that_are_patterns_to_tensorflow_are_refused(golden_root, tmp_path, source):
    shutil.copytree(golden_root / "tiny" / source, tmp_path / "g [1]")
    with pytest.raises(errors.CheckpointError, match=r"^checkpoint must not have '\['.*a pattern"):
        opening.open(str(tmp_path / "g [1]"))


def test_folders_of_other_formats_may_have_any_name(golden_root, tmp_path):
    shutil.copytree(golden_root / "tiny" / "hf", tmp_path / "g [\\1]")
    opened = opening.open(str(tmp_path / "g [\\1]"))
    assert restore.read(opened, config=opened.config)


def _external_data(file):
    at = [("secret", 0, h5py.h5f.UNLIMITED)]
    file.create_dataset("layers/dense/vars/0", (2,), np.float32, external=at)


def _external_link(file):
    file["layers/dense"] = h5py.ExternalLink("secret.h5", "/vars")


def _virtual_data(file):
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource("secret.h5", "vars", (2,))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def _data_that_are_not_there(file):
    file.create_dataset("layers/dense/vars/0", (10**12,), np.float32)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_external_data, "'layers/dense/vars/0' is in another file"),
        (_external_link, "'layers/dense' is in another file, 'secret.h5'"),
        (_virtual_data, "'layers/dense/vars/0' is in another file"),
        (_data_that_are_not_there, "4000000000000 bytes, which are not in the file"),
    ],
)
def test_hdf5_files_whose_values_are_elsewhere_are_refused(tmp_path, write, message):
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        write(file)
    with pytest.raises(errors.CheckpointError, match=message):
        opening.open(str(tmp_path))


def test_checkpoints_that_claim_more_than_their_file_has_are_refused(golden_root, tmp_path):
    for path in (golden_root / "tiny" / "tf1").glob("model.ckpt-best*"):
        shutil.copy(path, tmp_path)
    os.truncate(tmp_path / "model.ckpt-best.data-00000-of-00001", 1000)
    with pytest.raises(errors.CheckpointError, match="is larger than the 1000 bytes there"):
        opening.open(str(tmp_path))


@pytest.mark.parametrize("name", ["config.json", "albert_config.json", "tokenizer.json"])
def test_json_of_depth_100000_is_a_clear_error(golden_root, tmp_path, name):
    shutil.copytree(golden_root / "tiny" / "hf", tmp_path / "hf")
    (tmp_path / "hf" / name).write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(errors.InputError, match=name):
        encoder_spec.from_checkpoint(str(tmp_path / "hf"))


def test_facts_name_digests_and_no_paths(golden_root):
    opened = opening.open(str(golden_root / "tiny" / "hf"))
    facts = opened.manifest_entries()
    assert set(facts["files"]) == {"model.safetensors"}
    assert facts["dtypes"] == ["float32"] and facts["format"] in weight_table.FORMATS
    assert str(golden_root) not in json.dumps(facts)


def test_opening_and_reading_changes_nothing(golden_root):
    def state():
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted((golden_root / "tiny").rglob("*"))
            if path.is_file()
        }

    before = state()
    for source in golden.MODELS["tiny"].sources:
        if not source.endswith((".bin", "legacy")):
            opened = opening.open(str(golden_root / "tiny" / source))
            restore.read(opened, config=golden.MODELS["tiny"].config)
    assert state() == before
