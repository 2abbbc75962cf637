"""The snippets of https://tfhub.dev/tensorflow/albert_en_large/3 run as they stand.

Only the handles are replaced by local paths. They use `tf.keras`, so they run in a process where
that is Keras 2, as TensorFlow Hub wants it.
"""

import pytest

from tests.support import processes

_IMPORTS = """
import sys
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text
seq_length, num_predict = 10, 4
"""
_BASIC = """
text_input = tf.keras.layers.Input(shape=(), dtype=tf.string)
preprocessor = hub.KerasLayer(
    "http://tfhub.dev/tensorflow/albert_en_preprocess/3")
encoder_inputs = preprocessor(text_input)
encoder = hub.KerasLayer(
    "https://tfhub.dev/tensorflow/albert_en_large/3",
    trainable=True)
outputs = encoder(encoder_inputs)
pooled_output = outputs["pooled_output"]      # [batch_size, 1024].
sequence_output = outputs["sequence_output"]  # [batch_size, seq_length, 1024].
"""
_PRINT = """
embedding_model = tf.keras.Model(text_input, pooled_output)
sentences = tf.constant(["(your text here)"])
print(embedding_model(sentences))
"""
_CHECK_BASIC = """
assert pooled_output.shape.as_list() == [None, 32]
assert sequence_output.shape.as_list() == [None, 128, 32]
assert len(outputs["encoder_outputs"]) == 3
model = tf.keras.Model(text_input, outputs)
values = model(tf.constant(["Hello TensorFlow!", "(your text here)"]))
assert values["pooled_output"].shape == [2, 32]
assert (values["encoder_outputs"][2].numpy() == values["sequence_output"].numpy()).all()
assert (values["pooled_output"][1].numpy() - embedding_model(sentences)[0].numpy() < 1e-5).all()
assert len(model.trainable_variables) == 25
"""
_PREPROCESSED = """
encoder_inputs = dict(
    input_word_ids=tf.keras.layers.Input(shape=(seq_length,), dtype=tf.int32),
    input_mask=tf.keras.layers.Input(shape=(seq_length,), dtype=tf.int32),
    input_type_ids=tf.keras.layers.Input(shape=(seq_length,), dtype=tf.int32),
)
"""
_CHECK_PREPROCESSED = """
outputs = hub.KerasLayer("https://tfhub.dev/tensorflow/albert_en_large/3")(encoder_inputs)
assert outputs["sequence_output"].shape.as_list() == [None, 10, 32]
"""
_MLM = """
mlm_inputs = dict(
    input_word_ids=tf.keras.layers.Input(shape=(seq_length,), dtype=tf.int32),
    input_mask=tf.keras.layers.Input(shape=(seq_length,), dtype=tf.int32),
    input_type_ids=tf.keras.layers.Input(shape=(seq_length,), dtype=tf.int32),
    masked_lm_positions=tf.keras.layers.Input(shape=(num_predict,), dtype=tf.int32),
)

encoder = hub.load("https://tfhub.dev/tensorflow/albert_en_large/3")
mlm = hub.KerasLayer(encoder.mlm, trainable=True)
mlm_outputs = mlm(mlm_inputs)
mlm_logits = mlm_outputs["mlm_logits"]  # [batch_size, num_predict, vocab_size]
# ...plus pooled_output, sequence_output and encoder_outputs as above.
"""
_CHECK_MLM = """
assert mlm_logits.shape.as_list() == [None, 4, 30000]
assert mlm_outputs["sequence_output"].shape.as_list() == [None, 10, 32]
assert mlm_outputs["pooled_output"].shape.as_list() == [None, 32]
assert len(mlm_outputs["encoder_outputs"]) == 3
assert len(mlm.trainable_variables) == 30
model = tf.keras.Model(mlm_inputs, mlm_logits)
ids = tf.ones([2, seq_length], tf.int32)
values = model(dict(input_word_ids=ids, input_mask=ids, input_type_ids=ids,
                    masked_lm_positions=tf.zeros([2, num_predict], tf.int32)))
assert values.shape == [2, 4, 30000]
"""
# What the page says of the preprocessor: it runs in `Dataset.map()` beside a model that is trained.
_TRAIN = """
preprocessor = hub.load("http://tfhub.dev/tensorflow/albert_en_preprocess/3")
data = tf.data.Dataset.from_tensor_slices((["good", "bad", "fine", "poor"], [1, 0, 1, 0]))
data = data.batch(2).map(lambda text, label: (preprocessor(text), label))
names = ["input_word_ids", "input_mask", "input_type_ids"]
inputs = {name: tf.keras.layers.Input(shape=(None,), dtype=tf.int32, name=name) for name in names}
encoder = hub.KerasLayer("https://tfhub.dev/tensorflow/albert_en_large/3", trainable=True)
logits = tf.keras.layers.Dense(2)(encoder(inputs)["pooled_output"])
model = tf.keras.Model(inputs, logits)
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(tf.keras.optimizers.Adam(1e-3), loss)
history = model.fit(data, epochs=8, verbose=0).history["loss"]
assert history[-1] < history[0], history
"""
# Text pairs and lengths, from the preprocessor's page.
_PREPROCESS = """
preprocessor = hub.load("http://tfhub.dev/tensorflow/albert_en_preprocess/3")
text_inputs = [tf.keras.layers.Input(shape=(), dtype=tf.string) for _ in range(2)]
tokenize = hub.KerasLayer(preprocessor.tokenize)
tokenized_inputs = [tokenize(segment) for segment in text_inputs]
seq_length = 24
bert_pack_inputs = hub.KerasLayer(
    preprocessor.bert_pack_inputs,
    arguments=dict(seq_length=seq_length))
encoder_inputs = bert_pack_inputs(tokenized_inputs)
model = tf.keras.Model(text_inputs, encoder_inputs)
packed = model([tf.constant(["one two"]), tf.constant(["three"])])
special = preprocessor.tokenize.get_special_tokens_dict()
assert packed["input_word_ids"].shape == [1, 24]
assert packed["input_word_ids"][0, 0] == special["start_of_sequence_id"]
encoder = hub.KerasLayer("https://tfhub.dev/tensorflow/albert_en_large/3")
assert encoder(packed)["sequence_output"].shape == [1, 24, 32]
"""


def _run(code, *, encoder, preprocessor, legacy_keras=True):
    code = (_IMPORTS + code).replace("https://tfhub.dev/tensorflow/albert_en_large/3", str(encoder))
    code = code.replace("http://tfhub.dev/tensorflow/albert_en_preprocess/3", str(preprocessor))
    assert "tfhub.dev" not in code
    environment = processes.environment()
    if legacy_keras:
        environment["TF_USE_LEGACY_KERAS"] = "1"
    done = processes.python("-c", code, cwd=encoder.parent, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folders(tiny_encoder, tiny_preprocessor):
    return {"encoder": tiny_encoder, "preprocessor": tiny_preprocessor}


def test_they_run_in_their_order(folders):
    encoder = _BASIC + _PRINT + _CHECK_BASIC + _PREPROCESSED + _CHECK_PREPROCESSED
    stdout = _run(encoder + _MLM + _CHECK_MLM + _PREPROCESS, **folders)
    assert "shape=(1, 32), dtype=float32" in stdout


@pytest.mark.stress
def test_preprocessor_in_a_dataset(folders):
    _run(_TRAIN, **folders)


@pytest.mark.stress  # the other files here have the layers of tf_keras
def test_without_legacy_keras_hub_layers_work_in_tf_keras_models(folders):
    code = _BASIC + _PRINT + _CHECK_BASIC + _MLM + _CHECK_MLM
    code = "assert tf.keras.__version__.startswith('3.')\nimport tf_keras\n" + code.replace(
        "tf.keras", "tf_keras"
    )
    _run(code, **folders, legacy_keras=False)
