"""Tests of the preprocessor artifact, loaded as its users load it."""

import base64
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from tests.support import preprocess_artifacts, preprocess_golden, processes, sampling, word_pieces

_SENTENCES = ["Hello TensorFlow!", "", "Caf\u00e9 au lait, na\u00efve \ufb01ance"]
_PAIRS = ["A second segment.", "one more", ""]


@pytest.fixture(scope="module")
def loaded():
    return preprocess_artifacts.load("default")


def _assert_same(packed, expected):
    assert set(packed) == set(hub_api.ENCODER_INPUTS)
    for name in hub_api.ENCODER_INPUTS:
        assert packed[name].dtype == tf.int32
        tf.debugging.assert_equal(packed[name], expected[name])


def _pair(loaded, seq_length):
    return loaded.bert_pack_inputs(
        [loaded.tokenize(tf.constant(_SENTENCES)), loaded.tokenize(tf.constant(_PAIRS))],
        seq_length=seq_length,
    )


@sampling.parametrize(
    ("name", "seq_length"), [("default", 128), ("short", 16)], sample=[("default", 128)]
)
def test_the_root_call_equals_tf_hubs(name, seq_length):
    rows = preprocess_golden.table()["root"]
    sentences = tf.constant([base64.b64decode(row["b64"]) for row in rows])
    packed = preprocess_artifacts.load(name)(sentences)
    for output in hub_api.ENCODER_INPUTS:
        expected = [row[f"seq_{seq_length}"][output] for row in rows]
        assert packed[output].numpy().tolist() == expected


def test_the_loaded_tokenizer_equals_tf_hubs(loaded):
    ids = loaded.tokenize(tf.constant(preprocess_golden.strings()))
    assert ids.dtype == tf.int32
    assert ids.to_list() == preprocess_golden.expected("hub_ids")


@pytest.mark.stress  # steps/test_pack_inputs.py has the step
def test_the_loaded_packing_equals_model_gardens(loaded):
    for case in preprocess_golden.table()["packed"]:
        segments = [
            preprocess_golden.ragged(rows, ragged_rank=case["ragged_rank"])
            for rows in case["segments"]
        ]
        packed = loaded.bert_pack_inputs(segments, seq_length=case["seq_length"])
        assert {name: tensor.numpy().tolist() for name, tensor in packed.items()} == {
            name: case[name] for name in hub_api.ENCODER_INPUTS
        }


def test_the_loaded_special_tokens_are_scalars(loaded):
    special_tokens = loaded.tokenize.get_special_tokens_dict()
    assert {name: int(value) for name, value in special_tokens.items()} == (
        preprocess_golden.table()["models"]["main"]["special_tokens"]
    )
    assert all(value.shape == () and value.dtype == tf.int32 for value in special_tokens.values())


def test_the_signature_names_its_input_and_outputs(loaded):
    serve = loaded.signatures[hub_api.SERVING_DEFAULT]
    _, inputs = serve.structured_input_signature
    assert list(inputs) == [hub_api.SENTENCES]
    _assert_same(serve(sentences=tf.constant(_SENTENCES)), loaded(tf.constant(_SENTENCES)))


def test_errors_of_the_loaded_artifact_name_the_limit(loaded):
    two = loaded.tokenize(tf.constant(_SENTENCES[:2]))
    three = loaded.tokenize(tf.constant(_SENTENCES))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"equal batch sizes.*\[2\] \[3\]"):
        loaded.bert_pack_inputs([two, three], seq_length=16)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at least 5 to pack 2.*\[4\]"):
        loaded.bert_pack_inputs([two, two], seq_length=4)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at least 3 to pack 1.*\[2\]"):
        loaded.bert_pack_inputs([two], seq_length=2)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at least 3 to pack 1.*\[2\]"):
        list(tf.data.Dataset.from_tensors(two).map(lambda x: loaded.bert_pack_inputs([x], 2)))


def test_keras_layers_run_the_steps(loaded):
    sentences = tf.constant(_SENTENCES)
    _assert_same(hub.KerasLayer(loaded)(sentences), loaded(sentences))
    tokenize = hub.KerasLayer(loaded.tokenize)
    assert tokenize(sentences).to_list() == loaded.tokenize(sentences).to_list()
    pack = hub.KerasLayer(loaded.bert_pack_inputs, arguments={"seq_length": 9})
    _assert_same(pack([tokenize(sentences), tokenize(tf.constant(_PAIRS))]), _pair(loaded, 9))


@pytest.mark.stress  # steps/test_tokenize.py has the step
def test_the_original_tokenization_is_exported():
    loaded = preprocess_artifacts.load("original")
    rows = preprocess_golden.table()["strings"]
    ids = loaded.tokenize(tf.constant(preprocess_golden.strings())).to_list()
    for row, actual in zip(rows, ids, strict=True):
        expected = row["original_ids_tftext"] if row["tie"] else row["original_ids"]
        assert expected in (None, actual)


@pytest.mark.stress
def test_word_pieces_are_exported_with_the_same_contract():
    loaded = preprocess_artifacts.load("word_pieces")
    texts = ["The river rose slowly.", "unaffable \u4f60\u597d\uff0c Caf\u00e9", ""]
    expected = [word_pieces.tokenize(text) for text in texts]
    tokens = loaded.tokenize(tf.constant(texts))
    assert tokens.to_list() == expected
    rows = [[3, *ids, 4] for ids in expected]
    packed = loaded(tf.constant(texts))
    assert packed["input_word_ids"].numpy().tolist() == [
        row + [0] * (128 - len(row)) for row in rows
    ]
    ids, starts, limits = loaded.tokenize_with_offsets(tf.constant(texts))
    assert ids.to_list() == expected
    part = texts[1].encode()[starts.to_list()[1][-1] : limits.to_list()[1][-1]]
    assert part.decode() == "Caf\u00e9"
    assert loaded.tokenize.detokenize(tokens).numpy()[0] == b"the river rose slowly ."
    masked = loaded.mask_lm(packed, seed=1)
    before, after = packed["input_word_ids"].numpy(), masked["input_word_ids"].numpy()
    assert ((before == after) | ~np.isin(before, [0, 3, 4])).all()
    windows, _ = loaded.split_windows(tokens, seq_length=5, stride=3)
    assert windows["input_word_ids"].shape[1] == 5
    special_tokens = {k: int(v) for k, v in loaded.tokenize.get_special_tokens_dict().items()}
    assert special_tokens == {
        "padding_id": 0,
        "start_of_sequence_id": 3,
        "end_of_segment_id": 4,
        "mask_id": 5,
        "vocab_size": len(word_pieces.PIECES),
    }
    tokenize = hub.KerasLayer(loaded.tokenize)
    pack = hub.KerasLayer(loaded.bert_pack_inputs, arguments={"seq_length": 9})
    sentences = tf_keras.layers.Input(shape=(), dtype=tf.string)
    model = tf_keras.Model(sentences, pack([tokenize(sentences)]))
    _assert_same(model(tf.constant(texts)), loaded.bert_pack_inputs([tokens], seq_length=9))


def test_the_root_call_cuts_without_a_trace(loaded):
    text = b" ".join(s for s in preprocess_golden.strings() if len(s) < 300) * 3
    sentences = tf.constant([text, b"short", text[5000:], b"x" * 9000])
    _assert_same(loaded(sentences), loaded.bert_pack_inputs(loaded.tokenize(sentences)))


def test_a_bare_ragged_is_packed(loaded):
    tokens = loaded.tokenize(tf.constant(_SENTENCES))
    _assert_same(
        loaded.bert_pack_inputs(tokens, seq_length=9),
        loaded.bert_pack_inputs([tokens], seq_length=9),
    )
    pack = hub.KerasLayer(loaded.bert_pack_inputs, arguments={"seq_length": 9})
    _assert_same(pack(tokens), loaded.bert_pack_inputs([tokens], seq_length=9))


@sampling.parametrize("name", ["default", "original"], sample=["default"])
def test_loaded_offsets_lie_in_the_original_text(name):
    loaded = preprocess_artifacts.load(name)
    text = "Caf\u00e9 au  LAIT."
    ids, starts, limits = loaded.tokenize_with_offsets(tf.constant([text, ""]))
    assert ids.to_list() == loaded.tokenize(tf.constant([text, ""])).to_list()
    parts = [text.encode()[a:b].decode() for a, b in zip(starts[0], limits[0], strict=True)]
    assert "".join(parts) == "Caf\u00e9auLAIT."
    assert parts[0] in ("C", "Ca", "Caf", "Caf\u00e9")
    special_tokens = loaded.tokenize_with_offsets.get_special_tokens_dict()
    assert int(special_tokens["mask_id"]) == 4


def test_loaded_ids_become_text_again(loaded):
    packed = loaded(tf.constant(["The river rose.", ""]))
    assert loaded.tokenize.detokenize(packed["input_word_ids"]).numpy().tolist() == [
        b"the river rose.",
        b"",
    ]
    tokens = loaded.tokenize(tf.constant(["The river rose."]))
    assert loaded.tokenize.detokenize(tokens).numpy().tolist() == [b"the river rose."]


def test_loaded_windows_cover_the_document(loaded):
    tokens = loaded.tokenize(tf.constant(["one two three four five six seven", "eight"]))
    packed, window_to_example = loaded.split_windows(tokens, seq_length=6, stride=2)
    assert packed["input_word_ids"].shape[1] == 6
    assert sorted(window_to_example.numpy()) == window_to_example.numpy().tolist()
    assert set(window_to_example.numpy()) == {0, 1}
    with_query, _ = loaded.split_windows(tokens, seq_length=9, stride=2, query=tokens[::-1][:, :2])
    assert with_query["input_type_ids"].numpy().max() == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="stride must be at least 1"):
        loaded.split_windows(tokens, seq_length=6, stride=5)


def test_masking_is_the_same_wherever_it_runs(loaded):
    packed = loaded(tf.constant(["The river rose slowly through the night."] * 8))
    masked = loaded.mask_lm(packed, seed=3)
    layer = hub.KerasLayer(loaded.mask_lm, arguments={"seed": 3, "masked_lm_prob": 0.15})
    dataset = tf.data.Dataset.from_tensors(packed).map(lambda x: loaded.mask_lm(x, seed=3))
    with_step = tf.data.Dataset.from_tensors(packed).enumerate(3)
    by_step = with_step.map(lambda step, x: loaded.mask_lm(x, seed=step))
    for again in (layer(packed), next(iter(dataset)), next(iter(by_step))):
        assert set(again) == set(masked)
        for name, tensor in masked.items():
            tf.debugging.assert_equal(tensor, again[name])
    fewer = loaded.mask_lm(packed, [1, 2], masked_lm_prob=0.3, max_predictions_per_seq=5)
    assert fewer["masked_lm_positions"].shape == (8, 5)
    assert set(hub_api.MLM_INPUTS) < set(masked)


def test_the_functional_api_knows_the_shapes(loaded):
    sentences = tf_keras.layers.Input(shape=(), dtype=tf.string)
    outputs = hub.KerasLayer(preprocess_artifacts.directory("default"))(sentences)
    assert all(output.shape.as_list() == [None, 128] for output in outputs.values())
    model = tf_keras.Model(sentences, outputs)
    _assert_same(model(tf.constant(_SENTENCES)), loaded(tf.constant(_SENTENCES)))


def test_dataset_map_runs_the_steps(loaded):
    both = tf.data.Dataset.from_tensor_slices((_SENTENCES, _PAIRS)).batch(3)
    packed = next(iter(both.map(lambda a, b: loaded(a))))
    _assert_same(packed, loaded(tf.constant(_SENTENCES)))

    def pair(first, second):
        segments = [loaded.tokenize(first), loaded.tokenize(second)]
        return loaded.bert_pack_inputs(segments, seq_length=9)

    _assert_same(next(iter(both.map(pair))), _pair(loaded, 9))

    def other_steps(first, second):
        ids, starts, limits = loaded.tokenize_with_offsets(first)
        windows, example = loaded.split_windows(ids, seq_length=5, stride=2)
        return ids, starts, limits, windows, example, loaded.tokenize.detokenize(ids)

    sentences = tf.constant(_SENTENCES)
    expected = tf.nest.flatten(other_steps(sentences, None), expand_composites=True)
    actual = tf.nest.flatten(next(iter(both.map(other_steps))), expand_composites=True)
    for ours, theirs in zip(actual, expected, strict=True):
        tf.debugging.assert_equal(ours, theirs)


# The snippet of TF Hub's page for albert_en_preprocess in Keras 2, then our other steps.
_SAVE = """
import sys
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text
import tf_keras

preprocessor = hub.load(sys.argv[1])
text_inputs = [tf_keras.layers.Input(shape=(), dtype=tf.string),
               tf_keras.layers.Input(shape=(), dtype=tf.string)]
tokenize = hub.KerasLayer(preprocessor.tokenize)
tokenized_inputs = [tokenize(segment) for segment in text_inputs]
seq_length = 11
bert_pack_inputs = hub.KerasLayer(
    preprocessor.bert_pack_inputs,
    arguments=dict(seq_length=seq_length))
encoder_inputs = bert_pack_inputs(tokenized_inputs)
model = tf_keras.Model(text_inputs, encoder_inputs)
model.save(sys.argv[2])
single = tf_keras.layers.Input(shape=(), dtype=tf.string)
root = hub.KerasLayer(sys.argv[1])
mask = hub.KerasLayer(preprocessor.mask_lm, arguments=dict(seed=3))
offsets = hub.KerasLayer(preprocessor.tokenize_with_offsets)
packed = root(single)
ids, starts, limits = offsets(single)
detokenize = hub.KerasLayer(preprocessor.tokenize.detokenize)
split = hub.KerasLayer(preprocessor.split_windows, arguments=dict(seq_length=5, stride=2))
windows, window_to_example = split(ids)
outputs = dict(ids=packed["input_word_ids"], limits=limits.to_tensor(), text=detokenize(ids),
               windows=windows["input_word_ids"], example=window_to_example, **mask(packed))
tf_keras.Model(single, outputs).save(sys.argv[3])
"""

_RELOAD = """
import sys
import tensorflow as tf
import tensorflow_text
import tf_keras

pair = tf_keras.models.load_model(sys.argv[1])
for row in pair([tf.constant(["hello world"]), tf.constant(["again"])])["input_word_ids"].numpy():
    print(*row)
single = tf_keras.models.load_model(sys.argv[2])(tf.constant(["hello world"]))
for name in ("ids", "limits", "input_word_ids", "masked_lm_positions", "windows"):
    print(*single[name].numpy()[0])
assert single["text"].numpy().tolist() == [b"hello world"]
assert not single["example"].numpy().any()
"""


def _run(code, *arguments):
    done = processes.python("-c", code, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.stress
def test_a_keras_model_with_it_outlives_the_artifact(loaded, tmp_path):
    artifact, pair, single = (str(tmp_path / name) for name in ("artifact", "pair", "single"))
    shutil.copytree(preprocess_artifacts.directory("default"), artifact)
    _run(_SAVE, artifact, pair, single)
    shutil.rmtree(artifact)
    rows = [[int(n) for n in line.split()] for line in _run(_RELOAD, pair, single).splitlines()]
    hello, again = (loaded.tokenize(tf.constant([text])) for text in ("hello world", "again"))
    expected = loaded.bert_pack_inputs([hello, again], seq_length=11)["input_word_ids"]
    assert rows[0] == expected.numpy()[0].tolist()
    packed = loaded(tf.constant(["hello world"]))
    masked = loaded.mask_lm(packed, seed=3)
    _, _, limits = loaded.tokenize_with_offsets(tf.constant(["hello world"]))
    assert rows[1] == packed["input_word_ids"].numpy()[0].tolist()
    assert rows[2] == limits.to_list()[0]
    assert rows[3] == masked["input_word_ids"].numpy()[0].tolist()
    assert rows[4] == masked["masked_lm_positions"].numpy()[0].tolist()
    assert rows[5][0] == 2 and rows[5][1:4] == hello.to_list()[0][:3] and len(rows[5]) == 5
