"""The libraries on the pages are all that a process without `tensorflow_text` needs."""

import pytest

from export.metadata import manifest
from export.release.site import op_libraries
from tests.support import preprocess_artifacts, processes, text_models

# Loads a model after the libraries, and runs its signature.
_PROGRAM = """
import importlib.util, pathlib, sys
import tensorflow as tf
folder = pathlib.Path(importlib.util.find_spec("tensorflow_text").origin).parent / "python" / "ops"
for name in sys.argv[2:]:
    tf.load_op_library(str(folder / name))
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
(name,) = serve.structured_input_signature[1]
print(len(serve(**{name: tf.constant(["a river"])})), "tensorflow_text" in sys.modules)
"""
_MODELS = {
    "preprocessor": lambda: preprocess_artifacts.directory("default"),
    "word_pieces": lambda: preprocess_artifacts.directory("word_pieces"),
    "tag": lambda: text_models.directory("tag"),
}


@pytest.mark.stress
@pytest.mark.parametrize("name", _MODELS)
def test_the_libraries_of_its_ops_are_enough_for_a_model(name, tmp_path):
    directory = _MODELS[name]()
    # Of TensorFlow Text; the manifest is written with the SavedModel by the command.
    ops = manifest.read(directory).get("custom_ops") or _OPS[name]
    libraries = op_libraries.names(ops)
    assert libraries
    done = processes.python("-c", _PROGRAM, directory, *libraries, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "False"


_OPS = {"word_pieces": ["NormalizeUTF8", "RegexSplitWithOffsets", "WordpieceTokenizeWithOffsets"]}
