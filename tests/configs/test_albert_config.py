"""A config is valid or refused with everything that is wrong, and sources mean what they say."""

import dataclasses
import json

import pytest

from configs import albert_config, errors
from tests.conformance import table

ORIGINAL = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 128,
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "intermediate_size": 4096,
    "max_position_embeddings": 512,
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}
HUGGING_FACE = {
    "architectures": ["AlbertForMaskedLM"],
    "attention_probs_dropout_prob": 0,
    "bos_token_id": 2,
    "classifier_dropout_prob": 0.1,
    "embedding_size": 128,
    "eos_token_id": 3,
    "hidden_act": "gelu_new",
    "hidden_dropout_prob": 0,
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "inner_group_num": 1,
    "intermediate_size": 4096,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "albert",
    "num_attention_heads": 16,
    "num_hidden_groups": 1,
    "num_hidden_layers": 24,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}


@pytest.mark.parametrize("values", [ORIGINAL, HUGGING_FACE], ids=["original", "hugging_face"])
def test_large_from_json_is_the_published_size(values, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    assert albert_config.load(str(path)) == albert_config.load("large")


def test_v2_sizes_are_those_of_the_paper():
    sizes = {
        name: (
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            config.intermediate_size,
            config.embedding_size,
        )
        for name, config in albert_config.SIZES.items()
    }
    assert sizes == {
        "tiny": (3, 32, 4, 64, 16),
        "base": (12, 768, 12, 3072, 128),
        "large": (24, 1024, 16, 4096, 128),
        "xlarge": (24, 2048, 16, 8192, 128),
        "xxlarge": (12, 4096, 64, 16384, 128),
    }
    for config in albert_config.SIZES.values():
        assert config.hidden_act == "gelu_tanh"
        assert config.layer_norm_eps == 1e-12
        assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0
        assert (config.vocab_size, config.max_position_embeddings) == (30000, 512)
        assert (config.type_vocab_size, config.num_hidden_groups) == (2, 1)


@pytest.mark.parametrize(
    ("values", "act", "expected"),
    [
        (ORIGINAL, "gelu", "gelu_tanh"),
        (ORIGINAL, "relu", "relu"),
        (HUGGING_FACE, "gelu", "gelu_erf"),
        (HUGGING_FACE, "gelu_new", "gelu_tanh"),
        (HUGGING_FACE, "gelu_pytorch_tanh", "gelu_tanh"),
    ],
)
def test_gelu_means_what_its_source_means(values, act, expected):
    assert albert_config.from_json({**values, "hidden_act": act}).hidden_act == expected


@pytest.mark.parametrize(
    ("values", "act"), [(ORIGINAL, "gelu_new"), (HUGGING_FACE, "swish"), (ORIGINAL, None)]
)
def test_activation_unknown_to_its_source_is_refused(values, act):
    with pytest.raises(errors.ConfigError, match="hidden_act"):
        albert_config.from_json({**values, "hidden_act": act})


def test_only_the_original_can_do_without_a_projection():
    sizes = {"embedding_size": 64, "hidden_size": 64}
    assert not albert_config.from_json({**ORIGINAL, **sizes}).embedding_projection
    assert albert_config.from_json(ORIGINAL).embedding_projection
    assert albert_config.from_json({**HUGGING_FACE, **sizes}).embedding_projection


def test_missing_keys_are_all_listed():
    values = {k: v for k, v in ORIGINAL.items() if k not in ("hidden_size", "vocab_size")}
    with pytest.raises(errors.ConfigError) as caught:
        albert_config.from_json(values)
    assert "hidden_size" in str(caught.value) and "vocab_size" in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {**HUGGING_FACE, "model_type": "bert"},
        {**HUGGING_FACE, "position_embedding_type": "relative_key"},
    ],
)
def test_another_architecture_is_refused(values):
    with pytest.raises(errors.ConfigError, match="must be"):
        albert_config.from_json(values)


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"num_attention_heads": 3}, ["hidden_size 8 is not a multiple", "3"]),
        ({"num_hidden_groups": 4}, ["num_hidden_groups 4 exceeds num_hidden_layers 2"]),
        ({"embedding_projection": False}, ["embedding_size 6 differs from hidden_size 8"]),
        ({"hidden_dropout_prob": 1.0}, ["hidden_dropout_prob must be in [0, 1), got 1.0"]),
        ({"attention_probs_dropout_prob": -0.1}, ["attention_probs_dropout_prob must be in"]),
        ({"layer_norm_eps": 0.0}, ["layer_norm_eps must be positive, got 0.0"]),
        ({"initializer_range": float("nan")}, ["initializer_range must be a finite number"]),
        ({"hidden_size": 0, "vocab_size": True}, ["hidden_size must be", "vocab_size must be"]),
        ({"hidden_act": "gelu"}, ["hidden_act must be one of"]),
        ({"num_attention_heads": 3, "layer_norm_eps": -1.0}, ["multiple", "positive"]),
    ],
)
def test_invalid_values_are_all_named(changes, messages):
    with pytest.raises(errors.ConfigError) as caught:
        dataclasses.replace(table.TINY, **changes)
    for message in messages:
        assert message in str(caught.value)


# int(i / L * G), the original's line, evaluated by hand where rounding decides.
@pytest.mark.parametrize(
    ("layers", "groups", "expected"),
    [
        (3, 2, [0, 0, 1]),
        (4, 2, [0, 0, 1, 1]),
        (5, 3, [0, 0, 1, 1, 2]),
        # 15 / 22 * 22 is 14.999999999999998: exact arithmetic would give another group.
        (22, 22, [*range(15), 14, *range(16, 22)]),
    ],
)
def test_group_of_layer_rounds_as_the_original_does(layers, groups, expected):
    config = dataclasses.replace(table.TINY, num_hidden_layers=layers, num_hidden_groups=groups)
    assert [config.group_of_layer(layer) for layer in range(layers)] == expected
