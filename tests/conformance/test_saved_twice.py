"""Models of text are saved again twice, in new processes, and the earlier folders are deleted."""

import itertools
import json
import os
import shutil

import pytest

from tests.support import preprocess_artifacts, processes, text_models

TEXTS = ["a river, in Paris", "", "the river rose 9, slowly"]
MODELS = {
    "preprocessor": lambda: preprocess_artifacts.directory("default"),
    "word_pieces": lambda: preprocess_artifacts.directory("word_pieces"),
    "embedder": lambda: text_models.directory("single", task="embed", pooling="mean"),
    "tag": lambda: text_models.directory("tag"),
    "classify": lambda: text_models.directory("single"),
}
# Loads `before` and saves it as `after`; or, without `after`, prints what it computes of texts.
_HEAD = """
import json, sys
import numpy as np, tensorflow as tf, tensorflow_hub as hub, tensorflow_text
before, after, texts = sys.argv[1], sys.argv[2], tf.constant(json.loads(sys.argv[3]))
is_first = before.endswith("original")

def show(call):
    outputs = tf.nest.flatten(call(texts), expand_composites=True)
    values = [np.vectorize(str, otypes=[object])(np.asarray(output)) for output in outputs]
    print(json.dumps([value.tolist() for value in values]))
"""
_WAYS = {
    "tf.saved_model.save": """
model = hub.load(before)
tf.saved_model.save(model, after, signatures=dict(model.signatures)) if after else show(model)
""",
    "keras 2": """
import tf_keras
if is_first:
    text = tf_keras.layers.Input((), dtype=tf.string)
    model = tf_keras.Model(text, hub.KerasLayer(before)(text))
else:
    model = tf_keras.models.load_model(before, compile=False)
model.save(after, save_format="tf") if after else show(model)
""",
    "keras 3": """
import keras
from export import keras3
if is_first:
    text = keras.Input((), dtype="string")
    model = keras.Model(text, keras3.SavedModelLayer(before)(text))
else:
    model = keras.models.load_model(before, safe_mode=False)
model.save(after) if after else show(model)
""",
    "model.export": """
import keras
from export import keras3
if is_first:
    text = keras.Input((), dtype="string")
    keras.Model(text, keras3.SavedModelLayer(before)(text)).export(after)
else:
    model = tf.saved_model.load(before)
    tf.saved_model.save(model, after) if after else show(model.serve)
""",
}


@pytest.mark.stress
@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_saved_twice_is_complete(name, way, tmp_path):
    suffix = ".keras" if way == "keras 3" else ""
    names = [f"{tmp_path}/{one}" for one in ("original", f"once{suffix}", f"twice{suffix}")]
    shutil.copytree(MODELS[name](), names[0])

    def run(way, before, after=""):
        arguments = [before, after, json.dumps(TEXTS)]
        done = processes.python("-c", _HEAD + _WAYS[way], *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    expected = json.loads(run("tf.saved_model.save", names[0]))
    for before, after in itertools.pairwise(names):
        run(way, before, after)
        shutil.rmtree(before) if os.path.isdir(before) else os.remove(before)
    assert json.loads(run(way, names[2])) == expected
