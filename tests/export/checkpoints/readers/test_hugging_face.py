"""Names of torch state dicts as wrappers, old versions and other heads leave them."""

import numpy as np
import pytest

from configs import errors
from export.checkpoints import opening, restore
from tests.support import restored


@pytest.mark.parametrize("wrapper", ["module.", "model.", "module.model.", "_orig_mod."])
def test_a_wrapper_around_the_whole_model_is_taken_away(golden_root, tmp_path, wrapper):
    tensors = {f"{wrapper}{name}": value for name, value in restored.golden_hf(golden_root).items()}
    restored.write_hf(golden_root, tmp_path, tensors)
    restored.assert_golden(opening.open(str(tmp_path)))


@pytest.mark.parametrize("called", ["bert.", "model.", "encoder.", "module.", "module.bert.", ""])
def test_an_encoder_is_found_whatever_the_users_class_calls_it(golden_root, tmp_path, called):
    tensors = {
        called + name.removeprefix("albert."): value
        for name, value in restored.golden_hf(golden_root).items()
        if name.startswith("albert.")
    }
    outer = "module." if called.startswith("module.b") else ""
    tensors[f"{outer}classifier.weight"] = np.zeros([3, 32], np.float32)
    tensors[f"{outer}classifier.bias"] = np.zeros([3], np.float32)
    restored.write_hf(golden_root, tmp_path, tensors)
    checkpoint = opening.open(str(tmp_path))
    restored.assert_golden(checkpoint, heads=False)
    assert not restored.unused(checkpoint)
    assert [head.kind for head in checkpoint.heads] == ["classify"]


def test_two_encoders_in_one_file_are_refused(golden_root, tmp_path):
    tensors = restored.golden_hf(golden_root)
    restored.write_hf(
        golden_root, tmp_path, {f"{part}.{n}": v for part in "ab" for n, v in tensors.items()}
    )
    with pytest.raises(errors.CheckpointError, match=r"several ALBERT encoders \(a\..*b\."):
        opening.open(str(tmp_path))


def test_old_names_of_layer_norms_are_read(golden_root, tmp_path):
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = {}
    for name, value in restored.golden_hf(golden_root).items():
        end = next((end for end in old if name.endswith(end)), None)
        tensors[name.removesuffix(end) + old[end] if end else name] = value
    assert sum("gamma" in name for name in tensors) == 3
    restored.write_hf(golden_root, tmp_path, tensors)
    restored.assert_golden(opening.open(str(tmp_path)))


@pytest.mark.parametrize(
    ("stored", "taken"),
    [
        ({"predictions.bias": 0.0}, "predictions.bias"),
        ({"predictions.decoder.bias": 0.0}, "predictions.decoder.bias"),
        ({"predictions.bias": 0.0, "predictions.decoder.bias": 0.0}, "predictions.decoder.bias"),
        ({"predictions.bias": 0.0, "predictions.decoder.bias": 1.0}, "predictions.decoder.bias"),
    ],
)
def test_the_bias_of_the_logits_is_the_decoders_where_there_is_one(
    golden_root, tmp_path, stored, taken
):
    tensors = restored.golden_hf(golden_root)
    bias = tensors.pop("predictions.bias")
    tensors.pop("predictions.decoder.bias", None)
    tensors |= {name: bias + np.float32(change) for name, change in stored.items()}
    restored.write_hf(golden_root, tmp_path, tensors)
    checkpoint = opening.open(str(tmp_path))
    got = restore.read(checkpoint, config=checkpoint.config)["cls/predictions/output_bias/bias"]
    assert got.tobytes() == tensors[taken].tobytes()
    differs = len(set(stored.values())) > 1
    assert set(restored.unused(checkpoint)) == ({"predictions.bias"} if differs else set())


def test_an_untied_output_matrix_is_a_variable_of_the_head_and_a_tied_one_must_be_equal(
    golden_root, tmp_path
):
    tensors = restored.golden_hf(golden_root)
    tensors["predictions.decoder.weight"] = matrix = np.ones([100, 16], np.float32)
    restored.write_hf(golden_root, tmp_path, tensors, tie_word_embeddings=False)
    checkpoint = opening.open(str(tmp_path))
    got = restore.read(checkpoint, config=checkpoint.config)
    assert got["cls/predictions/decoder/embeddings"].tobytes() == matrix.tobytes()
    assert checkpoint.config.to_json()["tie_word_embeddings"] is False
    restored.write_hf(golden_root, tmp_path, tensors, tie_word_embeddings=True)
    checkpoint = opening.open(str(tmp_path))
    with pytest.raises(errors.CheckpointMismatchError, match=r"tie_word_embeddings .* --nomlm"):
        restore.read(checkpoint, config=checkpoint.config)
    # Without the head nothing of the head matters.
    assert not restore.problems(checkpoint, config=checkpoint.config, mlm=False)
    assert "predictions.decoder.weight" in restored.unused(checkpoint, mlm=False)


def test_an_untied_head_without_its_matrix_is_refused(golden_root, tmp_path):
    tensors = restored.golden_hf(golden_root)
    tensors.pop("predictions.decoder.weight", None)
    restored.write_hf(golden_root, tmp_path, tensors, tie_word_embeddings=False)
    checkpoint = opening.open(str(tmp_path))
    with pytest.raises(errors.CheckpointMismatchError, match=r"missing predictions\.decoder\.weig"):
        restore.read(checkpoint, config=checkpoint.config)
