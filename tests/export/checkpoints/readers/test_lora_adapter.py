"""A LoRA adapter is added to the weights of its base, exactly, or refused."""

import json
import shutil

import numpy as np
import pytest

from configs import errors
from export.checkpoints import opening, restore
from export.verification import numpy_albert
from tests.support import cases, checkpoints


def test_an_adapter_alone_names_its_base_and_the_flags():
    path = cases.ROOT / "peft_lora_adapter" / "adapter"
    with pytest.raises(errors.CheckpointError, match=r"adapter of 'base'.*--checkpoint.*--adapter"):
        opening.open(str(path))


def _adapter(tmp_path, edit_config=lambda values: None, edit_tensors=lambda tensors: None):
    """Returns the base model and a copy of its adapter, edited."""
    case = cases.CASES["peft_lora_adapter"]
    shutil.copytree(case.path / "adapter", tmp_path / "adapter")
    config, weights = (
        tmp_path / "adapter" / name for name in ("adapter_config.json", "adapter_model.safetensors")
    )
    values = json.loads(config.read_text())
    edit_config(values)
    config.write_text(json.dumps(values))
    tensors = checkpoints.read_safetensors(weights)
    edit_tensors(tensors)
    checkpoints.write_safetensors(weights, tensors)
    return case.location(), str(tmp_path / "adapter")


_QUERY = "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.query"


def _assert_added(base, adapter, name, *, scale, stored_as):
    """Asserts that a matrix got the scaled product of its factors, which have another name."""
    factors = checkpoints.read_safetensors(f"{adapter}/adapter_model.safetensors")
    prefix = f"base_model.model.{stored_as}.lora_"
    first, second = (factors[f"{prefix}{part}.weight"] for part in "BA")
    before, after = (
        opening.open(base, adapter=folder).tensors[f"{name}.weight"].read()
        for folder in (None, adapter)
    )
    np.testing.assert_allclose(after - before, scale * (first @ second), atol=1e-6, rtol=0)
    assert np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({}, 8 / 4),
        ({"use_rslora": True}, 8 / 2),
        ({"alpha_pattern": {"attention.query": 2}}, 2 / 4),
        ({"lora_alpha": 1}, 1 / 4),
        ({"init_lora_weights": "gaussian"}, 8 / 4),
    ],
    ids=str,
)
def test_an_adapter_adds_its_scaled_product(tmp_path, config, scale):
    base, adapter = _adapter(tmp_path, lambda values: values.update(config))
    _assert_added(base, adapter, _QUERY, scale=scale, stored_as=_QUERY)


def test_a_pattern_is_of_the_names_in_the_model_that_peft_wraps(tmp_path):
    """They begin with `encoder` in a bare `AlbertModel`."""

    def bare(tensors):
        kept = {name: tensors.pop(name) for name in list(tensors)}
        tensors |= {n.replace("albert.", "", 1): a for n, a in kept.items() if "albert." in n}

    pattern = "^" + _QUERY.removeprefix("albert.")
    base, adapter = _adapter(
        tmp_path, lambda values: values.update(alpha_pattern={pattern: 2}), bare
    )
    shutil.copytree(base, tmp_path / "base")
    weights = tmp_path / "base" / "model.safetensors"
    tensors = checkpoints.read_safetensors(weights)
    bare(tensors)
    checkpoints.write_safetensors(weights, tensors)
    for name, scale in {_QUERY: 2 / 4, _QUERY.replace("query", "key"): 8 / 4}.items():
        stored_as = name.removeprefix("albert.")
        _assert_added(str(tmp_path / "base"), adapter, name, scale=scale, stored_as=stored_as)


@pytest.mark.parametrize(
    ("edit_config", "edit_tensors", "reason"),
    [
        (lambda v: v.update(peft_type="IA3"), lambda t: None, "peft_type must be 'LORA'"),
        (lambda v: v.update(use_dora=True), lambda t: None, "use_dora .*merge_and_unload"),
        (
            lambda v: v.update(alora_invocation_tokens=[7]),
            lambda t: None,
            "alora_invocation_tokens",
        ),
        *(
            (
                lambda v, name=name: v.update(init_lora_weights=name),
                lambda t: None,
                f"init_lora_weights '{name}'.*merge_and_unload",
            )
            for name in ("pissa", "pissa_niter_4", "olora", "corda", "loftq")
        ),
        (lambda v: v.update(r=5), lambda t: None, "factors of .*query.weight do not have"),
        (
            lambda v: None,
            lambda t: t.pop(f"base_model.model.{_QUERY}.lora_A.weight"),
            "factors of .*query.weight",
        ),
        (
            lambda v: None,
            lambda t: t.update({"base_model.model.lm.lora_A.weight": np.zeros([4, 2], np.float32)}),
            "lm.weight is not in the base model",
        ),
        (lambda v: v.update(alpha_pattern={"[": 3}), lambda t: None, r"patterns, got '\['"),
        (lambda v: v.update(lora_alpha=True), lambda t: None, "factors of .*query.weight"),
        *(
            (
                lambda v: None,
                lambda t, dtype=dtype: t.update({n: t[n].astype(dtype) for n in t if _QUERY in n}),
                f"wrong type of .*query.weight or its factors: {dtype}, expected float32",
            )
            for dtype in ("int64", "float64")
        ),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(tmp_path, edit_config, edit_tensors, reason):
    base, adapter = _adapter(tmp_path, edit_config, edit_tensors)
    with pytest.raises(errors.CheckpointError, match=reason):
        opening.open(base, adapter=adapter)


def test_an_adapter_beside_the_weights_is_not_passed_over(tmp_path):
    """Transformers applies it."""
    base, adapter = _adapter(tmp_path)
    both = tmp_path / "both"
    shutil.copytree(base, both)
    shutil.copytree(adapter, both, dirs_exist_ok=True)
    with pytest.raises(errors.CheckpointError, match=r"adapter_config\.json beside.*--adapter"):
        opening.open(str(both))
    merged = opening.open(str(both), adapter=str(both))
    expected = opening.open(base, adapter=adapter)
    for name, tensor in expected.tensors.items():
        np.testing.assert_array_equal(merged.tensors[name].read(), tensor.read())


@pytest.mark.parametrize("kind", ["classify", "tag"])
def test_the_head_of_an_adapter_computes_what_the_merged_model_of_peft_does(kind):
    case = cases.CASES["peft_other_heads"]
    checkpoint = opening.open(case.location(), adapter=str(case.path / kind))
    (head,) = checkpoint.heads
    # The base names two labels, and PEFT none.
    assert (head.kind, head.labels) == (kind, ("LABEL_0", "LABEL_1", "LABEL_2"))
    assert not checkpoint.found_heads.guesses
    tensors = restore.read(checkpoint, config=checkpoint.config)
    inputs = {name: array for name, array in case.inputs().items() if name != "masked_lm_positions"}
    outputs = numpy_albert.encode(tensors, config=checkpoint.config, inputs=inputs)
    expected = np.array(case.expected[kind]["logits"])
    np.testing.assert_allclose(outputs[f"{kind}.logits"], expected, atol=cases.ATOL, rtol=0)


def test_the_base_alone_has_the_head_and_the_labels_of_the_base():
    checkpoint = opening.open(cases.CASES["peft_other_heads"].location())
    assert [head.labels for head in checkpoint.heads] == [("neg", "pos")]


def test_an_adapter_needs_a_model_of_transformers(golden_root):
    adapter = str(cases.ROOT / "peft_lora_adapter" / "adapter")
    with pytest.raises(errors.CheckpointError, match="of format tf1"):
        opening.open(str(golden_root / "tiny" / "tf1"), adapter=adapter)
    with pytest.raises(errors.CheckpointError, match="must be a folder with adapter_config"):
        opening.open(str(golden_root / "tiny" / "hf"), adapter=str(golden_root))


def test_the_merged_weights_are_recorded_with_the_adapters_digests():
    case = cases.CASES["peft_lora_adapter"]
    entries = opening.open(case.location(), **case.arguments()).manifest_entries()
    assert set(entries["adapter"]) == {"adapter_config.json", "adapter_model.safetensors"}
    assert set(entries["files"]) == {"model.safetensors"}
