"""Which head the weights have: what the files say, then the shapes, then a guess that is said."""

import pytest

from configs import errors, head_config
from export.checkpoints import head_detection

_POOLER = {"albert.pooler.weight": (8, 8)}


def _classifier(count, *, pooler=True):
    shapes = {"classifier.weight": (count, 8), "classifier.bias": (count,)}
    return shapes | (_POOLER if pooler else {})


def _find(shapes, *, source="huggingface", config=None, told=None):
    return head_detection.find(
        shapes, checkpoint_format=source, config=config or {}, told=told or {}
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("AlbertForSequenceClassification", "classify"),
        ("AlbertForMultiLabelSequenceClassification", "classify"),
        ("AlbertForTokenClassification", "tag"),
        ("AlbertForMultipleChoice", "choose"),
        ("MyForTokenClassification", "tag"),
    ],
)
def test_architectures_say_it(name, kind):
    found = _find(_classifier(1), config={"architectures": [name]})
    assert found.kinds == (kind,) and not found.guesses


@pytest.mark.parametrize(
    ("shapes", "config", "kind"),
    [
        (_classifier(3), {}, "classify"),
        (_classifier(3, pooler=False), {}, "tag"),
        (_classifier(1), {}, "choose"),
        (_classifier(1), {"id2label": {"0": "LABEL_0"}}, "classify"),
        (_classifier(1), {"id2label": 7}, "choose"),  # refused with its labels
        (_classifier(1), {"problem_type": "regression"}, "classify"),
        (_classifier(3), {"architectures": ["MyModel"]}, "classify"),
    ],
)
def test_without_them_it_is_a_guess_that_names_the_others(shapes, config, kind):
    found = _find(shapes, config=config)
    assert found.kinds == (kind,)
    assert "architectures" in found.guesses[kind] and "could be" in found.guesses[kind]


def test_what_other_files_say_is_taken():
    found = _find(_classifier(3), told={"tag": {"labels": ("a", "b", "c")}})
    assert found.kinds == ("tag",) and not found.guesses
    (head,) = found.configs({}, {"tag": {"labels": ("a", "b", "c")}})
    assert head.labels == ("a", "b", "c")


def test_several_logits_of_googles_output_weights_are_those_of_a_classifier():
    shapes = {"output_weights": (3, 8), "output_bias": (3,)}
    found = _find(shapes, source="tf1")
    assert found.kinds == ("classify",) and not found.guesses
    assert _find({"output_weights": (1, 8)}, source="tf1").guesses.keys() == {"choose"}


def test_there_need_not_be_one():
    assert _find(_POOLER).kinds == ()
    assert _find({"bert/pooler/dense/bias": (8,)}, source="tf1").kinds == ()


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ({}, ("LABEL_0", "LABEL_1")),
        ({"id2label": {"1": "b", "0": "a"}}, ("a", "b")),
        ({"id2label": {0: "a", 1: "b"}}, ("a", "b")),
        ({"label2id": {"b": 1, "a": 0}}, ("a", "b")),
    ],
)
def test_labels_are_in_the_order_of_the_logits(config, labels):
    assert head_config.labels_of(config, 2) == labels


@pytest.mark.parametrize("named", [{"0": "a"}, {"0": "a", "2": "b"}, {"x": "a", "1": "b"}, 7])
def test_labels_that_do_not_fit_the_logits_are_refused(named):
    with pytest.raises(errors.ConfigError, match="id2label"):
        head_config.labels_of({"id2label": named}, 2)


@pytest.mark.parametrize(
    ("name", "problem_type", "expected"),
    [
        ("AlbertForSequenceClassification", None, "single_label_classification"),
        ("AlbertForMultiLabelSequenceClassification", None, "multi_label_classification"),
        ("AlbertForMultiLabelSequenceClassification", "regression", "regression"),
    ],
)
def test_the_class_says_the_problem_type_where_the_config_does_not(name, problem_type, expected):
    config = {"architectures": [name], "problem_type": problem_type}
    (head,) = _find(_classifier(3), config=config).configs(config, {})
    assert head.problem_type == expected


def test_an_unknown_problem_type_is_refused():
    found = _find(_classifier(3), config={"architectures": ["AlbertForSequenceClassification"]})
    with pytest.raises(errors.ConfigError, match="problem_type must be one of"):
        found.configs({"problem_type": "ranking"}, {})
