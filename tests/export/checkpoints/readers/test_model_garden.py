"""Classification heads of Model Garden: the one that is ALBERT's own, and all others.

`tests/export/artifacts/test_head_exports.py` compares those of fine-tuned models with its code.
"""

import numpy as np
import pytest

from configs import errors
from export.checkpoints import opening, restore
from export.checkpoints.readers import model_garden
from tests.support import checkpoints, golden, restored


def _module(tree):
    """Returns objects that hold variables as a nested dict of arrays says."""
    import tensorflow as tf

    children = {
        name: _module(value) if isinstance(value, dict) else tf.Variable(value)
        for name, value in tree.items()
    }
    return tf.train.Checkpoint(**children)


def _pretrainer(golden_root, folder, *, inner_dim=32, named=True, in_config=False):
    """Writes a BertPretrainerV2 with a classification head, as Model Garden's trainer does."""
    import tensorflow as tf

    source = golden_root / "tiny" / "model_garden" / "encoder" / "ckpt-1"
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    tree: dict = {}
    for key, value in checkpoints.read_tensorflow(source).items():
        if key.startswith("encoder/"):
            *path, name = key.removesuffix(suffix).split("/")
            node = tree
            for part in path:
                node = node.setdefault(part, {})
            node[name] = value
    encoder = _module(tree["encoder"])
    generator = np.random.default_rng(0)
    dense = {"kernel": generator.normal(size=[32, inner_dim]), "bias": np.ones([inner_dim])}
    out_proj = {"kernel": generator.normal(size=[inner_dim, 2]), "bias": np.ones([2])}
    parts = {"dense": dense, "out_proj": out_proj}
    head = _module({n: {k: np.float32(v) for k, v in part.items()} for n, part in parts.items()})
    names = {"next_sentence.pooler_dense": head.dense} if named else {}
    model = tf.train.Checkpoint(encoder_network=encoder, classification_heads=[head])
    root = tf.train.Checkpoint(model=model, encoder=encoder, **names)
    root.write(str(folder / "ckpt-1"))
    encoder_config = {
        "vocab_size": 100,
        "embedding_width": 16,
        "hidden_size": 32,
        "num_layers": 3,
        "num_attention_heads": 4,
        "hidden_activation": "gelu",
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "initializer_range": 0.1,
    }
    config = {"encoder": {"type": "albert", "albert": encoder_config}}
    if in_config:
        config["cls_heads"] = [{"inner_dim": inner_dim, "name": "next_sentence", "num_classes": 2}]
    import yaml

    (folder / "params.yaml").write_text(yaml.safe_dump({"task": {"model": config}}))
    return parts


@pytest.mark.parametrize("known_by", ["named", "in_config"])
def test_next_sentence_of_model_garden_is_the_sentence_order_head(golden_root, tmp_path, known_by):
    known = {"named": False, "in_config": False} | {known_by: True}
    head = _pretrainer(golden_root, tmp_path, **known)
    checkpoint = opening.open(str(tmp_path))
    assert checkpoint.config == golden.MODELS["tiny"].config  # of params.yaml
    got = restore.read(checkpoint, config=checkpoint.config)
    pairs = {
        "cls/seq_relationship/kernel": head["out_proj"]["kernel"],
        "cls/seq_relationship/bias": head["out_proj"]["bias"],
        # The head's pooler, which was trained, not the encoder's.
        "pooler_transform/kernel": head["dense"]["kernel"],
        "pooler_transform/bias": head["dense"]["bias"],
    }
    for name, value in pairs.items():
        np.testing.assert_array_equal(got[name], np.float32(value), err_msg=name)
    unused = [
        name
        for name, reason in restored.unused(checkpoint).items()
        if "pooler of its own" in reason
    ]
    assert len(unused) == 2 and all("layer_with_weights-6" in name for name in unused)


def test_one_logit_of_a_classifier_is_a_regression():
    """Model Garden trains it so; with names of classes a model labels tokens."""
    told = model_garden.told_heads({"task": {"model": {"num_classes": 1}}})
    assert told == {"classify": {"problem_type": "regression"}}
    assert model_garden.told_heads({"task": {"model": {"num_classes": 2}}}) == {}
    assert model_garden.told_heads({"task": None}) == model_garden.told_heads(None) == {}
    task = {"class_names": ["O"], "model": {"num_classes": 1}}
    assert model_garden.told_heads({"task": task}) == {"tag": {"labels": ("O",)}}


@pytest.mark.parametrize(("key", "value"), [("activation", "relu"), ("cls_token_idx", 1)])
def test_a_head_of_the_config_that_is_computed_otherwise_is_refused(key, value):
    heads = [{"name": "sentiment", "activation": "tanh", "cls_token_idx": 0}]
    assert model_garden.head_names({"task": {"model": {"cls_heads": heads}}}) == ["sentiment"]
    heads[0][key] = value
    with pytest.raises(errors.ConfigError, match=f"{key} of the head 'sentiment' must be"):
        model_garden.head_names({"task": {"model": {"cls_heads": heads}}})


def test_a_head_without_a_name_is_that_of_a_fine_tuned_model(golden_root, tmp_path):
    head = _pretrainer(golden_root, tmp_path, named=False)
    checkpoint = opening.open(str(tmp_path))
    assert [one.kind for one in checkpoint.heads] == ["classify"]
    got = restore.read(checkpoint, config=checkpoint.config)
    np.testing.assert_array_equal(
        got["cls/classify/kernel"], np.float32(head["out_proj"]["kernel"])
    )
    np.testing.assert_array_equal(
        got["pooler_transform/kernel"], np.float32(head["dense"]["kernel"])
    )


def test_a_head_that_computes_something_else_is_left_out(golden_root, tmp_path):
    _pretrainer(golden_root, tmp_path, inner_dim=8)
    checkpoint = opening.open(str(tmp_path))
    assert not restore.has_sop_head(checkpoint)
    got = restore.read(checkpoint, config=checkpoint.config)
    expected = golden.tensors("tiny")["pooler_transform/kernel"]
    assert got["pooler_transform/kernel"].tobytes() == expected.tobytes()
    heads = ("classification_heads", "next_sentence")
    assert sum(any(head in name for head in heads) for name in restored.unused(checkpoint)) == 4
