"""Weights and configs are found in the folders that people have, or it is said what to give."""

import json
import shutil

import numpy as np
import pytest

from configs import errors
from export.checkpoints import opening, weight_table
from tests.support import cases, checkpoints, restored


def test_a_config_of_any_name_is_found_by_its_content(golden_root, tmp_path):
    case = cases.ROOT / "tf1_other_file_names"
    assert opening.open(str(case)).config_file == str(case / "albert_config_tiny.json")
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    (tmp_path / "vocab.json").write_text('{"a": 1}')
    (tmp_path / "train.json").write_text("[1, 2")
    assert opening.open(str(tmp_path)).config.hidden_size == 32
    values = json.loads((case / "albert_config_tiny.json").read_text())
    (tmp_path / "my_model.json").write_text(json.dumps(values | {"num_hidden_layers": 7}))
    with pytest.raises(errors.ConfigError, match=r"albert_config_tiny\.json, my_model\.json"):
        opening.open(str(tmp_path))


def test_of_several_folders_with_weights_all_are_named(tmp_path):
    source = cases.ROOT / "trainer_output_checkpoints_only" / "checkpoint-500"
    shutil.copytree(source, tmp_path / "checkpoint-500")
    (tmp_path / "runs").mkdir()
    one = opening.open(str(tmp_path))
    assert one.config.hidden_size == 32
    assert one.notices == ("the weights are those in its folder 'checkpoint-500'",)
    shutil.copytree(source, tmp_path / "checkpoint-1000")
    with pytest.raises(errors.CheckpointError, match=r"give one of .*point-1000, .*point-500"):
        opening.open(str(tmp_path))


def test_the_transformer_of_sentence_transformers_is_found(tmp_path):
    source = cases.ROOT / "trainer_output_checkpoints_only" / "checkpoint-500"
    shutil.copytree(source, tmp_path / "0_Transformer")
    (tmp_path / "2_Dense").mkdir()
    weight = {"linear.weight": np.zeros([4, 32], np.float32)}
    checkpoints.write_safetensors(tmp_path / "2_Dense" / "model.safetensors", weight)
    modules = [
        {"idx": 0, "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    assert opening.open(str(tmp_path)).files == (
        str(tmp_path / "0_Transformer" / "model.safetensors"),
    )


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("flax_model.msgpack", "weights of Flax: convert it .*from_flax=True"),
        ("model.onnx", "an ONNX graph.*give the checkpoint"),
        ("model_state.pdparams", "PaddleNLP"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path, file, reason):
    (tmp_path / file).write_bytes(b"\x08\x07\x12")
    for location in (tmp_path, tmp_path / file):
        with pytest.raises(errors.CheckpointError, match=f"{file}.*{reason}"):
            opening.open(str(location))


def test_the_saved_model_of_an_estimator_is_read_as_its_checkpoint(golden_root, tmp_path):
    import tensorflow as tf

    tensors = checkpoints.read_tensorflow(golden_root / "tiny" / "tf1" / "model.ckpt-best")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [
            tf.compat.v1.get_variable(name, initializer=value) for name, value in tensors.items()
        ]
        session.run(tf.compat.v1.global_variables_initializer())
        tensor = tf.identity(variables[0])
        tf.compat.v1.saved_model.simple_save(
            session, str(tmp_path / "1"), inputs={"x": tensor}, outputs={"y": tensor}
        )
    shutil.copy(golden_root / "tiny" / "tf1" / "albert_config.json", tmp_path / "1")
    checkpoint = opening.open(str(tmp_path / "1"))
    assert checkpoint.format == weight_table.TF1
    restored.assert_golden(checkpoint)
    assert opening.open(str(tmp_path)).notices  # the version's folder is found
