"""Paths are refused exactly where TensorFlow does not find what it wrote itself."""

import pytest
import tensorflow as tf

from configs import errors, tensorflow_paths


def _write(prefix):
    tf.train.Checkpoint(v=tf.Variable(1.0)).write(str(prefix))


@pytest.mark.parametrize(
    ("name", "character"), [("a [v1]", "["), ("[!a]b", "["), ("a[[]b", "["), ("a\\b", "\\")]
)
def test_what_tensorflow_does_not_find_is_refused(tmp_path, name, character):
    prefix = str(tmp_path / name / "ckpt")
    _write(prefix)
    with pytest.raises(tf.errors.NotFoundError):
        tf.train.load_checkpoint(prefix)
    with pytest.raises(errors.CheckpointError) as raised:
        tensorflow_paths.check_source(prefix, what="checkpoint")
    assert str(raised.value) == (
        f"checkpoint must not have '{character}' in its path, which TensorFlow reads as a "
        f"pattern, got {prefix!r}"
    )
    with pytest.raises(errors.DestinationError, match="--output_dir must not have"):
        tensorflow_paths.check_destination(prefix, what="--output_dir")


@pytest.mark.parametrize("name", ["a*", "?", "{a,b}", "a]", "^a", "a $~%#,:;é", "a\n"])
def test_other_characters_are_not(tmp_path, name):
    prefix = str(tmp_path / name / "ckpt")
    _write(prefix)
    assert tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    tensorflow_paths.check_source(prefix, what="checkpoint")
    tensorflow_paths.check_destination(prefix, what="--output_dir")


def test_the_working_directory_counts_for_what_others_will_load(tmp_path, monkeypatch):
    _write(tmp_path / "a [v1]" / "ckpt")
    monkeypatch.chdir(tmp_path / "a [v1]")
    assert tf.train.load_checkpoint("ckpt").get_variable_to_shape_map()
    tensorflow_paths.check_source("ckpt", what="checkpoint")
    with pytest.raises(errors.DestinationError, match=r"got '/.*/a \[v1\]/new'"):
        tensorflow_paths.check_destination("new", what="--output_dir")
