"""Config, tokenizer and weights must belong together, and that is checked without TensorFlow."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest

from configs import albert_config, errors
from export.artifacts import encoder_spec, head_choice, tokenizer_choice
from tests.support import cases, checkpoints, golden

_DEFAULT = tokenizer_choice.Request()
_NO_HEAD = head_choice.Request(keep=False)
_GOLDEN = tokenizer_choice.Request(sp_model_file=str(golden.VOCABULARY))


def _from_checkpoint(path, **changes):
    arguments = {
        "checkpoint_format": None,
        "config": None,
        "overrides": {},
        "tokenizer": _DEFAULT,
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
    assert spec.tokenizer.vocabulary.vocab_size == 100
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
    with pytest.raises(errors.VocabularyError, match="without a tokenizer"):
        _from_checkpoint(hf)
    spec = _from_checkpoint(hf, tokenizer=_GOLDEN)
    assert spec.tokenizer.vocabulary.vocab_size == 100


def test_a_given_vocabulary_overrides_the_one_beside_the_weights(hf):
    (hf / "spiece.model").write_bytes(b"no model")
    spec = _from_checkpoint(hf, tokenizer=_GOLDEN)
    assert spec.tokenizer.vocabulary.vocab_size == 100


def test_a_vocabulary_of_another_size_is_refused(hf):
    (hf / "spiece.model").unlink()
    shipped = pathlib.Path(albert_config.__file__).parent / "vocabulary" / "en_uncased_30k.model"
    shutil.copy(shipped, hf / "spiece.model")
    with pytest.raises(errors.VocabularyError, match="30000"):
        _from_checkpoint(hf)


def test_heads_are_what_the_weights_have_unless_the_user_says(golden_root):
    with_heads = golden_root / "tiny" / "hf"
    without = golden_root / "tiny" / "hf" / "albert_model"
    vocabulary = {"tokenizer": _GOLDEN}
    for mlm, expected in ((None, True), (True, True), (False, False)):
        assert _from_checkpoint(with_heads, mlm=mlm, **vocabulary).mlm is expected
    for mlm in (None, False):
        spec = _from_checkpoint(without, mlm=mlm, **vocabulary)
        assert not spec.mlm and not spec.sop
        assert any("no masked language model head" in line for line in spec.notices())
    with pytest.raises(errors.CheckpointError, match="--nomlm"):
        _from_checkpoint(without, mlm=True, **vocabulary)
    for mlm, expected in ((None, True), (True, True), (False, False)):
        spec = encoder_spec.untrained("tiny", overrides={}, tokenizer=_DEFAULT, mlm=mlm, seed=0)
        assert spec.mlm is expected


def test_everything_that_does_not_fit_is_in_one_error(hf, tmp_path):
    values = json.loads((hf / "config.json").read_text()) | {"intermediate_size": 65}
    (hf / "config.json").write_text(json.dumps(values))
    (hf / "spiece.model").unlink()
    tensors = checkpoints.read_safetensors(hf / "model.safetensors")
    kept = {n: v for n, v in tensors.items() if not n.startswith("predictions")}
    checkpoints.write_safetensors(hf / "model.safetensors", kept | {"fc.bias": np.zeros(3)})
    with pytest.raises(errors.InputError) as caught:
        _from_checkpoint(hf, mlm=True)
    message = str(caught.value)
    for problem in (
        "without a tokenizer",
        "--nomlm",
        "ffn.weight: [64, 32], expected [65, 32]",
        "left over fc.bias [3]",
        "--allow_unused",
    ):
        assert problem in message, message
    (hf / "config.json").write_text(json.dumps(values | {"ln_type": "preln"}))
    with pytest.raises(errors.InputError) as caught:
        _from_checkpoint(hf, mlm=True)
    for problem in ("another architecture", "without a tokenizer", "--nomlm"):
        assert problem in str(caught.value)


def test_rows_without_a_piece_are_said_and_recorded():
    case = cases.CASES["hf_added_tokens"]
    spec = _from_checkpoint(case.location(), tokenizer=_GOLDEN)
    assert spec.config.vocab_size == 102 and spec.rows_without_piece == 2
    assert any("100 pieces, the model 102 rows" in line for line in spec.notices())
    assert spec.manifest_entries()["tokenizer"]["rows_without_piece"] == 2


def test_weights_for_ids_that_no_text_gives_need_no_tokenizer():
    case = cases.CASES["no_text_vocabulary_no_pooler"]
    with pytest.raises(errors.VocabularyError, match="--notokenizer"):
        _from_checkpoint(case.location(), mlm=None)
    spec = _from_checkpoint(case.location(), mlm=None, tokenizer=None)
    assert spec.tokenizer is None
    assert spec.manifest_entries()["tokenizer"] is None


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("hf_masked_lm_no_pooler", {}, ["no pooler"]),
        (
            "hf_sequence_classification_head_dropped",
            {"head": _NO_HEAD},
            ["of a fine-tuned model that is not exported): classifier.bias, classifier.weight"],
        ),
        (
            "hf_biases_differ",
            {},
            ["transformers adds predictions.decoder.bias", "predictions.bias"],
        ),
        ("hf_extra_heads_crf", {"allow_unused": "fc|crf"}, ["crf.transitions, fc.bias, fc.weight"]),
        ("hf_config_missing_defaults", {}, ["hidden_act gelu_new", "initializer_range 0.02"]),
        ("hf_untied_decoder_nomlm", {"mlm": False}, ["predictions.decoder.weight", "not exported"]),
        ("trainer_output_checkpoints_only", {}, ["'checkpoint-500'"]),
        ("tf1_classifier", {}, ["global_step", "state of the optimizer): bert/"]),
        ("tf1_classifier", {"head": _NO_HEAD}, ["output_bias, output_weights", "global_step"]),
    ],
)
def test_what_is_left_out_or_assumed_is_said_and_recorded(name, arguments, said):
    location = cases.ROOT / name
    spec = _from_checkpoint(location, **{"tokenizer": _GOLDEN, "mlm": None, **arguments})
    notices = "\n".join(spec.notices())
    assert all(word in notices for word in said), notices
    weights = spec.manifest_entries()["weights"]
    assert weights.get("unused", {}) == spec.unused
    assert weights.get("assumed", {}) == spec.assumed
    # The state of an optimizer is counted.
    named = [name for name, reason in spec.unused.items() if "optimizer" not in reason]
    assert all(name in notices for name in (*named, *spec.assumed))


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
        encoder_spec.untrained(None, overrides={}, tokenizer=_DEFAULT, mlm=True, seed=0)
    spec = encoder_spec.untrained("tiny", overrides={}, tokenizer=_DEFAULT, mlm=True, seed=3)
    assert spec.config == dataclasses.replace(albert_config.SIZES["tiny"])
    assert spec.checkpoint is None and not spec.sop and spec.seed == 3
