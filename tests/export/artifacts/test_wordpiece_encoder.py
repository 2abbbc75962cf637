"""Encoders around a WordPiece vocabulary, as TF Hub's BERT encoders and the Chinese models have."""

import json

import pytest
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the ops of the embedder

from configs import albert_config
from export.artifacts import encoder_spec, tokenizer_choice
from export.metadata import manifest
from export.verification import contract
from tests.support import processes, word_pieces


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with a vocabulary, a config, and an encoder and a preprocessor for them."""
    path = tmp_path_factory.mktemp("word_pieces")
    word_pieces.write(path)
    config = {
        "vocab_size": len(word_pieces.PIECES),
        "embedding_size": 6,
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": 2,
        "intermediate_size": 12,
        "max_position_embeddings": 16,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0,
        "attention_probs_dropout_prob": 0,
        "initializer_range": 0.02,
    }
    (path / "albert_config.json").write_text(json.dumps(config))
    return path


@pytest.fixture(scope="module")
def encoder(folder):
    """The encoder, exported by the command."""
    return processes.export(
        "export.encoder",
        *("--config", "albert_config.json", "--vocab_file", "vocab.txt", "--nolower_case"),
        *("--model_name", "encoder"),
        cwd=folder,
    )


def test_it_has_the_vocabulary_as_tf_hub_s_bert_encoders_have_it(encoder, folder):
    module = hub.load(str(encoder))
    with open(module.vocab_file.asset_path.numpy(), "rb") as file:
        assert file.read() == (folder / "vocab.txt").read_bytes()
    assert module.do_lower_case.dtype == "bool" and not module.do_lower_case.numpy()
    assert not hasattr(module, "sp_model_file")
    # A setting is not a weight.
    assert len(module.variables) == len(module.trainable_variables) == 25


@pytest.mark.stress
def test_it_keeps_the_contract(encoder):
    kind, findings = contract.run(str(encoder))
    assert kind == manifest.ENCODER
    assert [finding for finding in findings if finding.problem] == []


def test_it_is_a_checkpoint_with_its_vocabulary(encoder, folder):
    made_from = encoder_spec.from_checkpoint(
        str(encoder),
        checkpoint_format=None,
        config=None,
        overrides={},
        tokenizer=tokenizer_choice.Request(),
        mlm=True,
    )
    assert made_from.config == albert_config.load(str(folder / "albert_config.json"))
    assert made_from.tokenizer.vocabulary.pieces == tuple(word_pieces.PIECES)
    assert (made_from.tokenizer.tokenization, made_from.tokenizer.lower_case) == ("hub", False)


@pytest.mark.stress
def test_it_embeds_text_with_its_preprocessor(encoder, folder):
    preprocessor = processes.export(
        "export.preprocessor", "--vocab_file", "vocab.txt", "--nolower_case", cwd=folder
    )
    embedder = processes.export(
        "export.embedder",
        *("--encoder", encoder, "--preprocessor", preprocessor),
        *("--model_name", "embedder", "--max_seq_length", 16),
        cwd=folder,
    )
    inputs = hub.load(str(preprocessor)).bert_pack_inputs(
        [hub.load(str(preprocessor)).tokenize(["the river rose"])], seq_length=16
    )
    expected = hub.load(str(encoder))(inputs)["pooled_output"][0].numpy().tolist()
    vector = hub.load(str(embedder))(["the river rose"])[0].numpy().tolist()
    assert vector == pytest.approx(expected, abs=1e-6)


def test_two_vocabularies_are_refused(folder, tmp_path):
    done = processes.run(
        "export.encoder",
        *("--config", folder / "albert_config.json", "--model_name", "encoder"),
        *("--vocab_file", folder / "vocab.txt", "--sp_model_file", folder / "vocab.txt"),
        cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "error: give --sp_model_file or --vocab_file, not both"
