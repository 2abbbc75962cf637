"""Config, tokenizer and weights must belong together, and that is checked without TensorFlow."""

import dataclasses
import json
import pathlib
import shutil

import pytest

from configs import albert_config, errors
from export.artifacts import encoder_spec
from tests.support import golden


def _from_checkpoint(path, **changes):
    arguments = {
        "checkpoint_format": None,
        "config": None,
        "overrides": {},
        "sp_model_file": None,
        "mlm": True,
    }
    return encoder_spec.from_checkpoint(str(path), **(arguments | changes))


@pytest.fixture
def hf(golden_root, tmp_path):
    """A Hugging Face directory with its tokenizer."""
    for file in ("config.json", "model.safetensors"):
        shutil.copy(golden_root / "tiny" / "hf" / file, tmp_path)
    shutil.copy(golden.VOCABULARY, tmp_path / "spiece.model")
    return tmp_path


def test_everything_comes_with_the_checkpoint(hf):
    spec = _from_checkpoint(hf)
    assert spec.config == golden.MODELS["tiny"].config
    assert spec.vocabulary.vocab_size == 100
    assert spec.mlm and spec.sop


def test_a_config_that_says_the_same_may_be_given(hf):
    assert _from_checkpoint(hf, config=str(hf / "config.json")).config.vocab_size == 100


def test_a_config_that_differs_is_an_error_that_lists_the_differences(hf, tmp_path):
    values = json.loads((hf / "config.json").read_text()) | {
        "hidden_act": "relu",
        "num_hidden_layers": 4,
    }
    (tmp_path / "other.json").write_text(json.dumps(values))
    with pytest.raises(errors.ConfigError) as caught:
        _from_checkpoint(hf, config=str(tmp_path / "other.json"))
    message = str(caught.value)
    assert "num_hidden_layers is 4 in --config, 3 in the checkpoint's" in message
    assert "hidden_act is relu in --config, gelu_tanh in the checkpoint's" in message


def test_overrides_are_no_difference(hf):
    config = _from_checkpoint(hf, overrides={"hidden_dropout_prob": 0.5}).config
    assert config.hidden_dropout_prob == 0.5


def test_no_config_anywhere_is_an_error(hf):
    (hf / "config.json").unlink()
    with pytest.raises(errors.ConfigError, match="without a config; say which with --config"):
        _from_checkpoint(hf)


def test_the_demo_vocabulary_is_never_the_default_of_a_checkpoint(hf):
    (hf / "spiece.model").unlink()
    with pytest.raises(errors.VocabularyError, match="without a SentencePiece model"):
        _from_checkpoint(hf)
    spec = _from_checkpoint(hf, sp_model_file=str(golden.VOCABULARY))
    assert spec.vocabulary.vocab_size == 100


def test_a_given_vocabulary_overrides_the_one_beside_the_weights(hf):
    (hf / "spiece.model").write_bytes(b"no model")
    spec = _from_checkpoint(hf, sp_model_file=str(golden.VOCABULARY))
    assert spec.vocabulary.vocab_size == 100


def test_a_vocabulary_of_another_size_is_refused(hf):
    (hf / "spiece.model").unlink()
    shipped = pathlib.Path(albert_config.__file__).parent / "vocabulary" / "en_uncased_30k.model"
    shutil.copy(shipped, hf / "spiece.model")
    with pytest.raises(errors.VocabularyError, match="30000"):
        _from_checkpoint(hf)


def test_a_missing_mlm_head_is_an_error_that_offers_nomlm(golden_root):
    path = golden_root / "tiny" / "hf" / "albert_model"
    with pytest.raises(errors.CheckpointError, match="--nomlm"):
        _from_checkpoint(path, sp_model_file=str(golden.VOCABULARY))
    spec = _from_checkpoint(path, sp_model_file=str(golden.VOCABULARY), mlm=False)
    assert not spec.mlm and not spec.sop


def test_a_checkpoint_that_does_not_fit_is_refused_before_tensorflow(hf):
    values = json.loads((hf / "config.json").read_text()) | {"intermediate_size": 65}
    (hf / "config.json").write_text(json.dumps(values))
    with pytest.raises(errors.CheckpointMismatchError, match="wrong shape"):
        _from_checkpoint(hf)


def test_projection_is_that_of_the_weights(golden_root):
    spec = _from_checkpoint(golden_root / "tiny" / "tf1")
    assert spec.config.embedding_projection


def test_without_checkpoint_a_config_is_required_and_the_demo_vocabulary_serves():
    with pytest.raises(errors.ConfigError, match="--config is required"):
        encoder_spec.untrained(None, overrides={}, sp_model_file=None, mlm=True, seed=0)
    spec = encoder_spec.untrained("tiny", overrides={}, sp_model_file=None, mlm=True, seed=3)
    assert spec.config == dataclasses.replace(albert_config.SIZES["tiny"])
    assert spec.checkpoint is None and not spec.sop and spec.seed == 3
