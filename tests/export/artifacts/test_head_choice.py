"""The heads of an encoder are those of its weights, or new ones, and what does not fit is said."""

import json
import pathlib
import shutil

import pytest

from configs import albert_config, errors, head_config
from export.artifacts import head_choice
from export.checkpoints import opening
from tests.support import head_cases

_TEXT_MODELS = pathlib.Path(__file__).parents[2] / "testdata" / "text_models"
_TINY = albert_config.load("tiny")


def _choose(case=None, *, config=_TINY, **request):
    checkpoint = opening.open(head_cases.CASES[case].location) if case else None
    return head_choice.choose(
        head_choice.Request(**request),
        checkpoint=checkpoint,
        config=checkpoint.config if checkpoint else config,
    )


def test_the_heads_of_the_weights_are_kept_unless_they_are_not_wanted():
    assert [head.kind for head in _choose("hf_tag").heads] == ["tag"]
    assert _choose("hf_tag", keep=False) == head_choice.Chosen()
    assert _choose() == head_choice.Chosen()


def test_labels_are_named_where_the_weights_have_none():
    notices = _choose("tf1_classifier").notices(seed=0)
    assert any("`.classify` have no names" in line and "--labels" in line for line in notices)
    chosen = _choose("tf1_classifier", labels=("a", "b", "c"))
    assert chosen.heads[0].labels == ("a", "b", "c") and not chosen.untrained
    assert chosen.notices(seed=0) == []
    assert chosen.manifest_entries()["labels"] == {"classify": ["a", "b", "c"]}


def test_a_new_head_beside_another_one_is_alone_untrained():
    chosen = _choose("hf_multi_label", new_head="tag", labels=("O", "B"))
    assert [head.kind for head in chosen.heads] == ["classify", "tag"]
    assert chosen.untrained == ("tag",) and [h.kind for h in chosen.trained] == ["classify"]
    assert chosen.weights_entries(seed=5) == {"untrained_heads": ["tag"], "seed": 5}


@pytest.mark.parametrize(
    ("labels", "problem_type", "expected"),
    [
        (("a", "b"), None, head_config.SINGLE_LABEL),
        (("a",), None, head_config.REGRESSION),
        (("a", "b"), head_config.MULTI_LABEL, head_config.MULTI_LABEL),
    ],
)
def test_a_new_classifier_has_the_problem_type_of_its_labels(labels, problem_type, expected):
    chosen = _choose(new_head="classify", labels=labels, problem_type=problem_type)
    assert chosen.heads[0].problem_type == expected


@pytest.mark.parametrize(
    ("case", "request_", "said"),
    [
        (None, {"new_head": "classify"}, "--new_head classify needs --labels"),
        (None, {"new_head": "answer", "labels": ("a",)}, "answer head has no labels"),
        (None, {"new_head": "tag", "labels": ("a", "a")}, "names that differ"),
        (
            None,
            {"new_head": "tag", "labels": ("a",), "problem_type": "regression"},
            "--problem_type is of a classify head",
        ),
        (None, {"labels": ("a",)}, "the weights have none"),
        ("hf_tag", {"labels": ("a",)}, "must be 5, the logits of the tag head; got 1"),
        ("hf_answer", {"labels": ("a", "b")}, "answer head has no labels"),
        ("hf_tag", {"new_head": "tag", "labels": ("a",)}, "--nohead"),
        ("hf_tag", {"new_head": "classify", "labels": ("a", "b")}, "without pooler"),
        ("hf_tag", {"new_head": "sop"}, "without pooler"),
        (None, {"new_head": "sop", "labels": ("a", "b")}, "sop head has no labels"),
    ],
)
def test_what_does_not_fit_is_said(case, request_, said):
    with pytest.raises(errors.ConfigError, match=said):
        _choose(case, **request_)


@pytest.mark.parametrize(
    ("name", "activation", "is_other"),
    [
        ("single", "torch.nn.modules.linear.Identity", True),
        ("single", "my_module.Softmax", True),
        ("single", "torch.nn.modules.activation.Softmax", False),
        ("regression", "torch.nn.modules.linear.Identity", False),
        ("regression", "torch.nn.modules.activation.Sigmoid", True),
    ],
)
@pytest.mark.parametrize("place", ["saved by 6", "saved by 4", "before"])
def test_scores_of_a_cross_encoder_that_differ_are_said(
    name, activation, is_other, place, tmp_path
):
    shutil.copytree(_TEXT_MODELS / name, tmp_path, dirs_exist_ok=True)
    key = {"activation_fn": activation}
    if place == "saved by 6":
        (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(key))
    else:
        config = json.loads((tmp_path / "config.json").read_text())
        old = {"sbert_ce_default_activation_function": activation}
        config |= {"sentence_transformers": key} if place == "saved by 4" else old
        (tmp_path / "config.json").write_text(json.dumps(config))
    checkpoint = opening.open(str(tmp_path))
    chosen = head_choice.choose(
        head_choice.Request(), checkpoint=checkpoint, config=checkpoint.config
    )
    said = [line for line in chosen.notices(seed=0) if activation in line]
    assert len(said) == is_other
    assert chosen.weights_entries(seed=0).get("head_notices", []) == said
    without = head_choice.choose(
        head_choice.Request(keep=False), checkpoint=checkpoint, config=checkpoint.config
    )
    assert without == head_choice.Chosen()
