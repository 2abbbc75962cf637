"""A config is valid or refused with everything that is wrong, and sources mean what they say."""

import collections
import dataclasses
import json

import pytest

from configs import albert_config, errors, source_rules
from tests.conformance import table
from tests.support import processes

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


@pytest.mark.parametrize("values", [ORIGINAL, HUGGING_FACE], ids=["original", "hugging_face"])
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (source_rules.ORIGINAL, "gelu_tanh"),
        (source_rules.MODEL_GARDEN, "gelu_tanh"),
        (source_rules.KERAS_HUB, "gelu_tanh"),
        (source_rules.HUGGING_FACE, "gelu_erf"),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_gelu_is_that_of_the_weights_whatever_the_config_looks_like(values, rules, expected):
    config = albert_config.from_json({**values, "hidden_act": "gelu"}, rules=rules)
    assert config.hidden_act == expected


@pytest.mark.parametrize(
    ("values", "act"), [(ORIGINAL, "swish"), (HUGGING_FACE, "swish"), (ORIGINAL, None)]
)
def test_activation_unknown_to_its_source_is_refused(values, act):
    with pytest.raises(errors.ConfigError, match="hidden_act"):
        albert_config.from_json({**values, "hidden_act": act})


def test_only_the_original_can_do_without_a_projection():
    sizes = {"embedding_size": 64, "hidden_size": 64}
    assert not albert_config.from_json({**ORIGINAL, **sizes}).embedding_projection
    assert albert_config.from_json(ORIGINAL).embedding_projection
    assert albert_config.from_json({**HUGGING_FACE, **sizes}).embedding_projection


# The defaults of AlbertConfig in google-research/albert's modeling.py and in transformers, by hand.
DEFAULTS = {
    "embedding_size": 128,
    "hidden_size": 4096,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "num_attention_heads": 64,
    "intermediate_size": 16384,
    "inner_group_num": 1,
    "hidden_act": "gelu_tanh",
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
}


@pytest.mark.parametrize("values", [{"vocab_size": 7}, {"model_type": "albert"}], ids=str)
def test_a_key_that_is_left_out_has_the_default_of_its_source(values):
    config = albert_config.from_json(values)
    assert {name: getattr(config, name) for name in DEFAULTS} == DEFAULTS
    assert config.vocab_size == values.get("vocab_size", 30000)
    assumed = albert_config.assumed({**values, "hidden_size": 64})
    assert "hidden_size" not in assumed and assumed["num_attention_heads"] == 64


def test_weights_say_sizes_before_defaults_do_and_after_the_config():
    sizes = {"hidden_size": 256, "num_hidden_groups": 3, "vocab_size": 9}
    config = albert_config.from_json({"vocab_size": 7}, sizes=sizes)
    assert (config.hidden_size, config.num_hidden_groups, config.vocab_size) == (256, 3, 7)
    assert "hidden_size" not in albert_config.assumed({"vocab_size": 7}, sizes=sizes)


def test_only_vocab_size_has_no_default_in_the_original():
    with pytest.raises(errors.ConfigError, match="missing keys: vocab_size"):
        albert_config.from_json({"hidden_size": 64})


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


# int(i / L * G) of google-research/albert and int(i / (L / G)) of transformers, evaluated by hand
# where rounding decides: 15 / 22 * 22 is 14.999999999999998.
@pytest.mark.parametrize(
    ("rules", "layers", "groups", "expected"),
    [
        (source_rules.ORIGINAL, 3, 2, [0, 0, 1]),
        (source_rules.ORIGINAL, 4, 2, [0, 0, 1, 1]),
        (source_rules.ORIGINAL, 5, 3, [0, 0, 1, 1, 2]),
        (source_rules.ORIGINAL, 22, 22, [*range(15), 14, *range(16, 22)]),
        (source_rules.HUGGING_FACE, 3, 2, [0, 0, 1]),
        (source_rules.HUGGING_FACE, 22, 22, [*range(22)]),
        (source_rules.KERAS_HUB, 6, 3, [0, 0, 1, 1, 2, 2]),
        (source_rules.KERAS_HUB, 22, 22, [*range(22)]),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_group_of_layer_rounds_as_its_source_does(rules, layers, groups, expected):
    values = {**ORIGINAL, "num_hidden_layers": layers, "num_hidden_groups": groups}
    config = albert_config.from_json(values, rules=rules)
    assert [config.group_of_layer(layer) for layer in range(layers)] == expected


def test_manifests_name_the_formula_only_where_it_matters():
    values = {**ORIGINAL, "num_hidden_layers": 24, "num_hidden_groups": 24}
    config = albert_config.from_json(values, rules=source_rules.HUGGING_FACE)
    assert "group_formula" not in config.to_json()
    values |= {"num_hidden_layers": 22, "num_hidden_groups": 22}
    config = albert_config.from_json(values, rules=source_rules.HUGGING_FACE)
    assert config.to_json()["group_formula"] == "transformers"
    assert albert_config.from_json(config.to_json()) == config


def test_layers_that_cannot_be_split_into_groups_are_refused():
    values = {**ORIGINAL, "num_hidden_layers": 5, "num_hidden_groups": 3}
    with pytest.raises(errors.ConfigError, match="5 layers cannot be split into 3 groups"):
        albert_config.from_json(values, rules=source_rules.KERAS_HUB)


# What real configs lack or say: google's without the keys of its own defaults, PaddleNLP's with
# `gelu_new` and without `model_type`, brightmart's with BERT's keys.
BERT_KEYS = {"directionality": "bidi", "pooler_type": "first_token_transform"}
BRIGHTMART = {
    name: value
    for name, value in ORIGINAL.items()
    if name not in ("num_hidden_groups", "inner_group_num")
} | {**BERT_KEYS, "ln_type": "postln"}


def test_embeddings_of_brightmarts_models_have_hidden_size():
    config = albert_config.from_json(BRIGHTMART)
    assert config.embedding_size == config.hidden_size == 1024
    assert not config.embedding_projection and config.hidden_act == "gelu_tanh"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({**BRIGHTMART, "ln_type": "preln"}, "ln_type .* another architecture"),
        ({**ORIGINAL, "ln_type": "preln"}, "ln_type .* another architecture"),
        ({**BRIGHTMART, "share_type": "ffn"}, "share_type .* another architecture"),
        ({**ORIGINAL, "num_hidden_groups": 25}, "dense layers .* another architecture"),
        (
            {name: value for name, value in BRIGHTMART.items() if name != "embedding_size"},
            "embedding_size, which .* BERT's have not",
        ),
    ],
)
def test_configs_of_other_architectures_are_refused_with_the_reason(values, reason):
    with pytest.raises(errors.ConfigError, match=reason):
        albert_config.from_json(values)


def test_real_configs_load_or_are_refused_with_the_reason():
    path = processes.REPOSITORY.parent / "shared" / "real" / "configs.jsonl"
    if not path.exists():
        pytest.skip("real configs are not at hand (../shared/real/configs.jsonl)")
    refused = collections.Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        try:
            albert_config.from_json(entry["config"])
        except errors.ConfigError as error:
            refused[str(error).partition(",")[0]] += 1
    assert refused == {
        "ln_type must be 'postln'": 2,
        "missing keys: embedding_size": 1,
        "invalid ALBERT config: num_hidden_groups 12 exceeds num_hidden_layers 4; where dense "
        "layers are split into groups (albert_config_*_google_fast.json) it is another "
        "architecture": 1,
    }
