"""`tf_model.h5` gives what torch's file of the same model gives."""

import shutil

import pytest

from configs import errors
from export.checkpoints import opening, restore, weight_table
from tests.support import cases, restored


def test_keras_weights_of_transformers_are_the_torch_weights_to_the_bit():
    checkpoint = opening.open(str(cases.ROOT / "tf_albert"))
    assert checkpoint.format == weight_table.HUGGING_FACE
    restored.assert_golden(checkpoint)
    assert not restored.unused(checkpoint)
    alone = opening.open(str(cases.ROOT / "tf_albert" / "tf_model.h5"))
    assert alone.config == checkpoint.config


def test_keras_weights_that_lack_tensors_are_refused_by_name():
    checkpoint = opening.open(str(cases.ROOT / "formats_not_read"))
    with pytest.raises(errors.CheckpointMismatchError, match=r"missing albert\.embeddings\.token_"):
        restore.read(checkpoint, config=checkpoint.config)


def test_keras_weights_that_say_two_things_of_one_weight_are_refused(tmp_path):
    import h5py

    shutil.copy(cases.ROOT / "tf_albert" / "tf_model.h5", tmp_path)
    with h5py.File(tmp_path / "tf_model.h5", "r+") as file:
        name = "predictions/tf_albert_for_pre_training/albert/embeddings/word_embeddings/weight:0"
        file[name][0, 0] += 1
    with pytest.raises(errors.CheckpointError, match=r"two tensors that are albert\.emb"):
        opening.open(str(tmp_path))
