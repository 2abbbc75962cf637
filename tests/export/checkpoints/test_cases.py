"""Checkpoints as their owners have them: read as the code that wrote them reads them.

The oracle of the values is that code, not ours: see `testdata/cases/README.md`.
"""

import json
import shutil

import numpy as np
import pytest

from configs import errors
from export.checkpoints import opening, restore
from export.verification import numpy_albert
from tests.support import cases, checkpoints, golden, restored


@pytest.mark.parametrize("name", cases.CASES)
def test_weights_and_config_compute_what_their_own_code_computes(name):
    case = cases.CASES[name]
    checkpoint = opening.open(case.location(), **case.arguments())
    tensors = restore.read(checkpoint, config=checkpoint.config)
    inputs = case.inputs()
    if not restore.has_mlm_head(checkpoint):
        del inputs["masked_lm_positions"]
    outputs = numpy_albert.encode(tensors, config=checkpoint.config, inputs=inputs)
    compared = case.compare(outputs)
    assert "sequence_output" in compared
    assert ("pooled_output" in compared) == checkpoint.config.pooler
    assert ("mlm_logits" in compared) == restore.has_mlm_head(checkpoint)
    assert ("sop_logits" in compared) == restore.has_sop_head(checkpoint)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("hf_biases_differ", {"predictions.bias"}),
        ("hf_extra_heads_crf", {"crf.transitions", "fc.bias", "fc.weight"}),
        ("hf_question_answering_no_pooler", set()),
        ("hf_sequence_classification_head_dropped", set()),
        ("hf_masked_lm_no_pooler", set()),
        ("hf_state_dict_module_prefix", set()),
        ("hf_untied_decoder_nomlm", set()),
    ],
)
def test_every_tensor_that_is_not_used_is_listed_with_its_reason(name, left_out):
    case = cases.CASES[name]
    found = restored.unused(opening.open(case.location(), **case.arguments()))
    assert set(found) == left_out
    assert all(found.values())


def test_a_tensor_that_is_not_allowed_to_be_left_out_is_named_with_the_flag():
    case = cases.CASES["hf_extra_heads_crf"]
    checkpoint = opening.open(case.location(), allow_unused="fc")
    with pytest.raises(errors.CheckpointMismatchError, match=r"crf\.transitions .*--allow_unused"):
        restore.read(checkpoint, config=checkpoint.config)
    with pytest.raises(errors.CheckpointError, match="must be a regular expression"):
        opening.open(case.location(), allow_unused="(")


@pytest.mark.parametrize("kind", ["tf1", "hf"])
def test_sizes_groups_and_inner_blocks_are_those_of_the_weights(golden_root, tmp_path, kind):
    source = golden_root / "tiny_groups" / kind
    shutil.copytree(source, tmp_path, dirs_exist_ok=True)
    file = "config.json" if kind == "hf" else "albert_config.json"
    values = json.loads((source / file).read_text())
    told = {
        "vocab_size",
        "embedding_size",
        "hidden_size",
        "intermediate_size",
        "max_position_embeddings",
        "type_vocab_size",
        "num_hidden_groups",
        "inner_group_num",
    }
    rest = {key: value for key, value in values.items() if key not in told}
    (tmp_path / file).write_text(json.dumps(rest))
    assert opening.open(str(tmp_path)).config == golden.MODELS["tiny_groups"].config


@pytest.mark.parametrize("positions", [3, 64, 700])
def test_position_tables_have_any_length(golden_root, tmp_path, positions):
    tensors = restored.golden_hf(golden_root)
    name = "albert.embeddings.position_embeddings.weight"
    tensors[name] = np.resize(tensors[name], [positions, 16])
    restored.write_hf(golden_root, tmp_path, tensors, max_position_embeddings=positions)
    checkpoint = opening.open(str(tmp_path))
    got = restore.read(checkpoint, config=checkpoint.config)
    assert got["position_embedding/embeddings"].shape == (positions, 16)


@pytest.mark.parametrize("suffix", ["adam_m", "adam_v", "Adam", "Adam_1", "lamb_m", "Momentum"])
def test_state_of_every_optimizer_is_left_out(golden_root, tmp_path, suffix):
    tensors = checkpoints.read_tensorflow(golden_root / "tiny" / "tf1" / "model.ckpt-best")
    weights = [name for name in tensors if name != "global_step"]
    state = {f"{name}/{suffix}": np.zeros_like(tensors[name]) for name in weights}
    state |= {name: np.float32(0.9) for name in ("beta1_power", "beta2_power", "loss_scale")}
    state["bert/pooler/dense/bias/ExponentialMovingAverage"] = np.zeros([32], np.float32)
    checkpoints.write_tensorflow(tmp_path / "model.ckpt-1", tensors | state)
    shutil.copy(golden_root / "tiny" / "tf1" / "albert_config.json", tmp_path)
    checkpoint = opening.open(str(tmp_path))
    restored.assert_golden(checkpoint)
    assert set(restored.unused(checkpoint)) == {*state, "global_step"}
