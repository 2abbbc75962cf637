"""The artifact that the command writes keeps the contract, byte for byte."""

import getpass
import hashlib
import json
import os
import re
import socket
import sys

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
import tensorflow_hub as hub

import configs
from configs import hub_api
from export.model import initial_weights
from tests.conformance import table
from tests.support import elsewhere, processes


@pytest.fixture(scope="module")
def again():
    """The same export from another folder, into another folder, in another environment."""
    return elsewhere.exported("encoder")


def test_two_processes_write_the_same_bytes(tiny_encoder, again):
    assert processes.contents(tiny_encoder) == processes.contents(again)


@pytest.mark.stress  # test_new_heads.py has two seeds
def test_the_seed_and_nothing_else_decides_the_weights(tiny_encoder, tmp_path):
    other = processes.export("export.encoder", "--config", "tiny", "--seed", 1, cwd=tmp_path)
    one, two = processes.contents(tiny_encoder), processes.contents(other)
    assert set(one) == set(two)
    different = {name for name in one if one[name] != two[name]}
    assert "variables/variables.data-00000-of-00001" in different
    assert "saved_model.pb" not in different


def test_the_artifact_holds_these_files(tiny_encoder):
    assert {
        "assets/en_uncased_30k.model",
        "assets.extra/manifest.json",
        "fingerprint.pb",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    } <= set(processes.contents(tiny_encoder))


@pytest.mark.stress
def test_the_artifact_knows_nothing_of_the_machine(again):
    words = {str(processes.REPOSITORY), str(again.parents[2]), sys.prefix, "/tmp/"}
    words |= {socket.gethostname(), getpass.getuser(), os.path.expanduser("~")}
    words |= {os.path.dirname(os.__file__)}
    for file, content in processes.contents(again).items():
        for word in words:
            # TensorFlow's own object graphs have a node called root, and random bytes hold any
            # short word.
            if word == "root" or (len(word) < 6 and file.startswith("variables/")):
                continue
            pattern = rb"(?<![A-Za-z0-9_])" + re.escape(word.encode()) + rb"(?![A-Za-z0-9_])"
            assert not re.search(pattern, content), (file, word)


def test_the_manifest_says_what_the_artifact_was_made_from(tiny_encoder):
    manifest = json.loads((tiny_encoder / "assets.extra" / "manifest.json").read_text())
    vocabulary = os.path.join(
        os.path.dirname(configs.__file__), "vocabulary", "en_uncased_30k.model"
    )
    with open(vocabulary, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    assert manifest["artifact"] == "encoder"
    assert manifest["weights"] == {"source": "untrained", "seed": 0}
    assert manifest["tokenizer"] == {"file": "en_uncased_30k.model", "sha256": digest}
    assert manifest["config"]["hidden_size"] == 32
    assert manifest["config"]["hidden_act"] == "gelu_tanh"
    assert manifest["toolchain"]["tensorflow"] == tf.__version__
    assert manifest["toolchain"]["albert-hub-export"] == configs.__version__


def test_the_vocabulary_is_an_asset_that_sentencepiece_reads(loaded_encoder):
    path = loaded_encoder.sp_model_file.asset_path.numpy().decode()
    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    assert processor.vocab_size() == 30000
    assert processor.id_to_piece([0, 1, 2, 3, 4]) == ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]


def test_legacy_users_find_the_vocabulary_through_the_keras_layer(tiny_encoder):
    layer = hub.KerasLayer(str(tiny_encoder))
    assert os.path.isfile(layer.resolved_object.sp_model_file.asset_path.numpy())


def test_the_attributes_of_the_contract_survive_loading(loaded_encoder):
    assert len(loaded_encoder.variables) == len(loaded_encoder.trainable_variables) == 25
    assert len(loaded_encoder.mlm.variables) == len(loaded_encoder.mlm.trainable_variables) == 30
    for encoder in (loaded_encoder, loaded_encoder.unpadded):
        for module in (encoder, encoder.mlm):
            assert list(module.regularization_losses) == []
            for variable, same in zip(module.variables, loaded_encoder.mlm.variables, strict=False):
                assert variable is same


def test_untrained_weights_are_initialised_as_the_original_initialises_them(loaded_encoder):
    for variable in loaded_encoder.mlm.variables:
        value = variable.numpy()
        kind = table.name_of(variable).rsplit("/", 1)[-1]
        if kind == "gamma":
            assert (value == 1).all()
        elif kind in ("bias", "beta"):
            assert (value == 0).all()
        else:
            # Truncated at two deviations; a deviation of 0.88 of the normal one remains.
            assert np.abs(value).max() <= 0.04
            error = 4 / np.sqrt(value.size)
            assert abs(value.std() / (0.02 * 0.88) - 1) < error
            assert abs(value.mean() / 0.02) < error


def test_weights_are_drawn_independently_of_each_other():
    variables = [tf.Variable(tf.zeros([40, 50]), name=f"{name}/kernel") for name in "ab"]
    initial_weights.fill(variables, initializer_range=1.0, seed=0)
    first, second = (variable.numpy().ravel() for variable in variables)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


def _tensors(infos):
    return {name: (info.dtype.name, info.shape.as_list()) for name, info in infos.items()}


def test_signatures_have_named_inputs_and_outputs(loaded_encoder):
    ids = ("int32", [None, None])
    encoder_inputs = dict.fromkeys(["input_word_ids", "input_mask", "input_type_ids"], ids)
    pooled = ("float32", [None, 32])
    encoder_outputs = {
        "default": pooled,
        "pooled_output": pooled,
        "sequence_output": ("float32", [None, None, 32]),
    }
    found = {
        name: (
            _tensors(
                {spec.name: spec for spec in signature.structured_input_signature[1].values()}
            ),
            _tensors(signature.structured_outputs),
        )
        for name, signature in loaded_encoder.signatures.items()
    }
    assert found["serving_default"] == (encoder_inputs, encoder_outputs)
    assert found["unpadded"] == (encoder_inputs, encoder_outputs)
    assert found["mlm"] == (
        {**encoder_inputs, "masked_lm_positions": ids},
        {
            "mlm_logits": ("float32", [None, None, 30000]),
            "pooled_output": pooled,
            "sequence_output": ("float32", [None, None, 32]),
        },
    )
    assert set(found) == {"serving_default", "unpadded", "mlm"}


def test_signatures_compute_what_the_objects_compute(loaded_encoder):
    generator = np.random.default_rng(0)
    inputs = {
        name: tf.constant(generator.integers(0, 2, [3, 4]), tf.int32) for name in hub_api.MLM_INPUTS
    }
    encoder_inputs = {name: inputs[name] for name in hub_api.ENCODER_INPUTS}
    for name, expected, given in (
        ("serving_default", loaded_encoder(encoder_inputs), encoder_inputs),
        ("mlm", loaded_encoder.mlm(inputs), inputs),
        ("unpadded", loaded_encoder.unpadded(encoder_inputs), encoder_inputs),
    ):
        for output, value in loaded_encoder.signatures[name](**given).items():
            np.testing.assert_allclose(value, expected[output], atol=1e-6, rtol=0)


@pytest.mark.stress  # the conformance table has an encoder without the head
def test_nomlm_leaves_the_head_out(tmp_path):
    directory = processes.export("export.encoder", "--config", "tiny", "--nomlm", cwd=tmp_path)
    root = hub.load(str(directory))
    assert not hasattr(root, "mlm")
    assert set(root.signatures) == {"serving_default", "unpadded"}
    names = [
        name for name, _ in tf.train.list_variables(str(directory / "variables" / "variables"))
    ]
    assert not [name for name in names if "cls" in name or "mlm" in name]


@pytest.mark.stress
def test_dropout_flags_override_the_config(tmp_path):
    directory = processes.export(
        "export.encoder", "--config", "tiny", "--hidden_dropout_prob", 0.5, cwd=tmp_path
    )
    inputs = {name: tf.ones([2, 3], tf.int32) for name in hub_api.ENCODER_INPUTS}
    root = hub.load(str(directory))
    one, two = (root(inputs, training=True)["pooled_output"] for _ in range(2))
    assert np.abs(one - two).max() > 0.01
    manifest = json.loads((directory / "assets.extra" / "manifest.json").read_text())
    assert manifest["config"]["hidden_dropout_prob"] == 0.5
    assert manifest["config"]["attention_probs_dropout_prob"] == 0.0
