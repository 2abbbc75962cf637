"""No op of a SavedModel that does more than compute runs, and what only computes is loaded."""

import contextlib
import glob
import os
import shutil

import pytest
import tensorflow as tf

from configs import errors
from export.saved_models import loading
from tests.support import golden, hostile_models

_ALL = {**hostile_models.MODELS, **hostile_models.UNLOADABLE}


@pytest.mark.parametrize("name", _ALL)
def test_hostile_models_are_refused_before_anything_runs(tmp_path, name):
    model = _ALL[name]
    directory, canary = tmp_path / "model", tmp_path / "canary"
    model.write(directory, canary)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(errors.UnsafeModelError, match=model.message) as raised:
        loading.load(str(directory))
    assert "--trust" in str(raised.value) and str(directory) in str(raised.value)
    assert sorted(os.listdir(tmp_path)) == before
    if name in hostile_models.MODELS:
        assert _happens(model, directory, canary)


def _happens(model, directory, canary):
    """Returns whether an unread model writes the file, or returns what was in it."""
    secret = canary.read_text() if canary.exists() else None
    with loading.trusting():
        result = model.run(loading.load(str(directory)))
    return result.numpy().decode() == secret if secret else bool(glob.glob(f"{canary}*"))


def test_trust_ends_with_its_context(tmp_path):
    hostile_models.MODELS["a function"].write(tmp_path / "model", tmp_path / "canary")
    with contextlib.suppress(KeyError), loading.trusting():
        loading.load(str(tmp_path / "model"))
        raise KeyError
    with pytest.raises(errors.UnsafeModelError):
        loading.load(str(tmp_path / "model"))


@pytest.mark.parametrize("name", golden.MODELS)
def test_modules_of_tf1_hub_are_accepted(name, golden_root):
    loading.audit(str(golden_root / name / "tf1_hub"))


def test_tables_from_files_among_the_assets_are_loaded(tmp_path):
    hostile_models.MODELS["a link"].write(tmp_path / "model", tmp_path / "canary")
    path = tmp_path / "model" / "assets" / "canary"
    path.unlink()
    path.write_text("in the folder")
    module = loading.load(str(tmp_path / "model"))
    assert module.f(tf.constant(1.0)).numpy() == b"in the folder"


def test_tables_of_tf1_graphs_are_loaded(tmp_path):
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        words = tf.compat.v1.placeholder(tf.string, [None])
        initializer = tf.lookup.TextFileInitializer(
            str(tmp_path / "vocab.txt"),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        ids = tf.lookup.StaticHashTable(initializer, -1).lookup(words)
        tf.compat.v1.saved_model.simple_save(
            session,
            str(tmp_path / "model"),
            {"words": words},
            {"ids": ids},
            legacy_init_op=tf.compat.v1.tables_initializer(),
        )
    (tmp_path / "vocab.txt").unlink()
    signature = loading.load(str(tmp_path / "model")).signatures["serving_default"]
    assert signature(words=tf.constant(["b", "c"]))["ids"].numpy().tolist() == [1, -1]


def test_a_second_graph_and_special_files_are_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    loading.load(str(tmp_path))
    (tmp_path / "saved_model.cpb").touch()
    os.mkfifo(tmp_path / "assets" / "pipe")
    with pytest.raises(errors.UnsafeModelError) as raised:
        loading.load(str(tmp_path))
    assert "'saved_model.cpb'" in str(raised.value)
    assert "'assets/pipe' is not a plain file" in str(raised.value)


def test_links_within_the_folder_and_to_it_are_followed(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "model"))
    (tmp_path / "model" / "assets" / "link").symlink_to("../saved_model.pb")
    (tmp_path / "1").symlink_to("model")
    assert loading.load(str(tmp_path / "1")) is not None


@pytest.mark.parametrize("trust", [False, True])
def test_what_tensorflow_does_not_find_is_refused_with_the_reason(tmp_path, trust):
    directory = str(tmp_path / "a [v1]" / "model")
    tf.saved_model.save(tf.Module(), directory)
    with loading.trusting(trust), pytest.raises(errors.CheckpointError) as raised:
        loading.load(directory)
    assert str(raised.value).startswith("SavedModel must not have '[' in its path")
    (tmp_path / "link").symlink_to("a [v1]")
    assert loading.load(str(tmp_path / "link" / "model")) is not None


@pytest.mark.parametrize("dtype", [tf.float32, tf.string])
def test_variables_larger_than_their_file_are_refused(tmp_path, dtype):
    module = tf.Module()
    module.v = tf.Variable(tf.zeros([1000], dtype) if dtype == tf.float32 else [["abc"] * 2000])
    tf.saved_model.save(module, str(tmp_path))
    loading.load(str(tmp_path))
    (data,) = tmp_path.glob("variables/variables.data-*")
    os.truncate(data, 500)
    with pytest.raises(
        errors.UnsafeModelError,
        match=r"behind the end of its data file|is larger than the 500 bytes there",
    ):
        loading.load(str(tmp_path))


@pytest.mark.parametrize("content", [None, b"\xff" * 100])
def test_what_has_no_graph_is_a_clear_error(tmp_path, content):
    if content is not None:
        (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(errors.CheckpointError, match="cannot be"):
        loading.load(str(tmp_path))


def test_long_lists_are_cut(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))

    def change(meta_graph):
        for number in range(30):
            meta_graph.graph_def.node.add(name=f"n{number}", op=f"Op{number}")

    hostile_models.edit(tmp_path, change)
    with pytest.raises(errors.UnsafeModelError, match=r"'Op9' in the main graph; and 20 more$"):
        loading.load(str(tmp_path))


def test_long_chains_of_nodes_are_followed(tmp_path):
    hostile_models.UNLOADABLE["the saver's function"].write(tmp_path / "model", tmp_path / "canary")

    def change(meta_graph):
        ((function, node),) = hostile_models.functions(meta_graph, "SaveV2")
        for number in range(5000):
            function.node_def.add(name=f"n{number}", op="Identity", input=[node.input[0]])
            node.input[0] = f"n{number}:output:0"

    hostile_models.edit(tmp_path / "model", change)
    shutil.rmtree(tmp_path / "model" / "variables")
    with pytest.raises(errors.UnsafeModelError, match="from a constant"):
        loading.load(str(tmp_path / "model"))
