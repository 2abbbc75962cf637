"""A classifier learns from a labelled file, and is exported as a model that gives its labels."""

import importlib.util
import json
import random
import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the text model's ops

from configs import errors
from tests.support import processes, sampling

SCRIPT = processes.REPOSITORY / "examples" / "fine_tune_classifier.py"
_GOOD, _BAD = ("fine", "great", "lovely"), ("dull", "poor", "awful")


def _module(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPT.with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def labelled_texts():
    return _module("labelled_texts")


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        (
            'text\tlabel\n\nA "fine film\t1\n  \nDull, dull.\t 0 \r\n',
            ["text"],
            [(('A "fine film',), "1"), (("Dull, dull.",), "0")],
        ),
        (
            '\ufeffid,text,label\n1,"Two lines,\nand ""more""",good\n,,\n',
            ["text"],
            [(('Two lines,\nand "more"',), "good")],
        ),
        ("label;one;two\nyes;a, b;c\n", ["one", "two"], [(("a, b", "c"), "yes")]),
        (
            '\n{"text": "A\\tfilm", "label": 3}\n\n{"label": true, "text": "Too\\nlong"}',
            ["text"],
            [(("A\tfilm",), "3"), (("Too\nlong",), "true")],
        ),
    ],
    ids=["tsv", "csv", "semicolons", "jsonl"],
)
def test_tables_and_json_lines_are_read(labelled_texts, tmp_path, content, fields, expected):
    path = tmp_path / "any.name"
    path.write_text(content, encoding="utf-8", newline="")
    assert labelled_texts.read(str(path), text_fields=fields, label_field="label") == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text\tclass\na\tb\n", "line 2 has no label, it has text, class"),
        (b"text,label\na,b\nc,\n,d\n", "line 3 has no label.*line 4 has no text"),
        (b"text,label\nunquoted, with a comma,b\n", "line 2 has more columns than the header"),
        (b"text\tlabel\n\xff\tb\n", "cannot be read: 'utf-8' codec"),
        (b'{"text": "a", "label": 1}\n{"text"\n', "line 2 is not JSON"),
        (b'{"text": "a", "label": 1}\n[1]\n', "line 2 is not an object"),
        (b"text\tlabel\n\n", "has no examples"),
        (b"", "has no examples"),
        (b"text\tlabel\n" + b"a\t\n" * 9, "line 6 has .*; and 4 more lines$"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_lines(labelled_texts, tmp_path, content, message):
    path = tmp_path / "any.name"
    path.write_bytes(content)
    with pytest.raises(errors.InputError, match=message):
        labelled_texts.read(str(path), text_fields=["text"], label_field="label")


def test_labels_are_in_an_order_that_does_not_depend_on_the_file(labelled_texts):
    def ordered(*labels):
        return labelled_texts.ordered_labels(
            [labelled_texts.Example(("x",), label) for label in labels]
        )

    assert ordered("10", "9", "-1", "9") == ("-1", "9", "10")
    assert ordered("yes", "no", "10") == ("10", "no", "yes")
    with pytest.raises(errors.InputError, match="at least two labels, got one"):
        ordered("one", "one")


def _texts(number, seed):
    """Returns texts and which of them are good, half of them."""
    generator = random.Random(seed)
    words = [generator.choice((_BAD, _GOOD)[one % 2]) for one in range(number)]
    names = [generator.choice(("film", "book", "play")) for _ in words]
    texts = [f"The {name} was {word}." for name, word in zip(names, words, strict=True)]
    return texts, [number % 2 for number in range(number)]


def _write(path, texts, labels):
    lines = [f"{text}\t{label}" for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(["text\tlabel", "", *lines, ""]), encoding="utf-8")


def _run(*arguments, cwd):
    return processes.python(SCRIPT, *arguments, cwd=cwd)


@pytest.mark.stress
@pytest.mark.parametrize(("count", "epochs", "seeds"), [(16, 1, 1), (128, 10, 3)])
def test_the_exported_model_gives_the_labels_that_were_learned(
    tiny_encoder, tmp_path, count, epochs, seeds
):
    _write(tmp_path / "train.tsv", *_texts(count, seed=1))
    texts, labels = _texts(40, seed=2)
    _write(tmp_path / "dev.tsv", texts, labels)
    done = _run(
        *("--train", "train.tsv", "--dev", "dev.tsv", "--encoder", tiny_encoder),
        *("--model_name", "mine", "--learning_rate", 3e-3, "--epochs", epochs, "--batch_size", 8),
        *("--seeds", seeds, "--max_seq_length", 32, "--classifier_dropout_prob", 0.2),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "exports/mine/1\n"
    assert re.search(rf"^{count} texts to train on, 40 to try; labels: 0, 1$", done.stderr, re.M)
    of_seeds = re.findall(r"^seed (\d): accuracy on --dev ([\d.]+)$", done.stderr, re.M)
    assert [int(seed) for seed, _ in of_seeds] == list(range(seeds))
    best = re.search(r"^best: seed (\d), accuracy on --dev ([\d.]+) ", done.stderr, re.M)
    assert best[2] == max(accuracy for _, accuracy in of_seeds)
    assert epochs == 1 or float(best[2]) > 0.9
    model = hub.load(str(tmp_path / "exports" / "mine" / "1"))
    assert model.labels.numpy().tolist() == [b"0", b"1"]
    outputs = model.signatures["serving_default"](sentences=tf.constant(texts))
    right = [
        str(label).encode() == one
        for label, one in zip(labels, outputs["label"].numpy(), strict=True)
    ]
    assert best[2] == f"{np.mean(right):.4f}"
    manifest = json.loads(
        (tmp_path / "exports" / "mine" / "1" / "assets.extra" / "manifest.json").read_text()
    )
    assert manifest["max_seq_length"] == 32
    config = manifest["made_from"]["encoder"]["config"]
    assert config["classifier_dropout_prob"] == pytest.approx(0.2)


@pytest.mark.stress
def test_pairs_are_learned_and_what_is_frozen_keeps_its_weights(
    tiny_classifier, tiny_preprocessor, tmp_path
):
    generator = random.Random(0)
    lines = []
    for number in range(256):
        first = generator.choice(_GOOD + _BAD)
        others = [word for word in _GOOD + _BAD if (word in _GOOD) == (first in _GOOD)]
        second = generator.choice(others if number % 2 else _GOOD + _BAD)
        same = (first in _GOOD) == (second in _GOOD)
        lines.append({"a": first, "b": second, "label": ("no", "yes")[same]})
    for name, part in (("train.jsonl", lines[:200]), ("dev.jsonl", lines[200:])):
        (tmp_path / name).write_text("\n".join(map(json.dumps, part)))
    done = _run(
        *("--train", "train.jsonl", "--dev", "dev.jsonl", "--encoder", tiny_classifier),
        *("--text_fields", "a,b", "--model_name", "pairs", "--freeze", "embeddings"),
        *("--learning_rate", 3e-3, "--epochs", 12, "--batch_size", 8),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    # The head that the encoder has: its labels and their order.
    assert "labels: no, yes, maybe" in done.stderr
    accuracy = float(re.search(r"^best: seed 0, accuracy on --dev ([\d.]+)", done.stderr, re.M)[1])
    model = hub.load(str(tmp_path / "exports" / "pairs" / "1"))
    dev = [json.loads(line) for line in (tmp_path / "dev.jsonl").read_text().splitlines()]
    outputs = model.signatures["pairs"](
        first=tf.constant([one["a"] for one in dev]), second=tf.constant([one["b"] for one in dev])
    )
    right = [
        label.decode() == one["label"]
        for label, one in zip(outputs["label"].numpy(), dev, strict=True)
    ]
    assert np.mean(right) == pytest.approx(accuracy, abs=1e-4)
    before = {v.name: v.numpy() for v in hub.load(str(tiny_classifier)).classify.variables}
    for variable in model.variables:
        is_same = np.array_equal(variable.numpy(), before[variable.name])
        assert is_same == ("embedding" in variable.name), variable.name


_BAD_INPUT = [
    ({"--dev": "other.tsv"}, "'other.tsv' has labels that the classifier does not have: 7; "),
    ({"--train": "nowhere.tsv"}, "No such file or directory: 'nowhere.tsv'"),
    ({"--text_fields": "sentence"}, "line 3 has no sentence, it has text, label"),
    ({"--text_fields": "a,b,c"}, "--text_fields must be one or two"),
    ({"--encoder": "nowhere"}, "'nowhere'"),
    ({"--train": "one.tsv"}, "at least two labels, got 1"),
    ({"--max_seq_length": 513}, "--max_seq_length must be at most 512, the encoder's number of"),
    ({"--model_name": ""}, "model_name must"),
    ({"--export_dir": "exports [1]"}, "--export_dir must not have '[' in its path"),
]


@sampling.parametrize(("changed", "message"), _BAD_INPUT, sample=_BAD_INPUT[:1])
def test_bad_input_is_one_clear_line_before_anything_is_written(
    changed, message, tiny_encoder, tmp_path
):
    for name, labels in (("train", [0, 1]), ("dev", [1, 0]), ("other", [1, 7]), ("one", [1, 1])):
        _write(tmp_path / f"{name}.tsv", ["a", "b"], labels)
    options = {
        "--train": "train.tsv",
        "--dev": "dev.tsv",
        "--encoder": tiny_encoder,
        "--model_name": "mine",
    } | changed
    done = _run(*(word for option in options.items() for word in option), cwd=tmp_path)
    assert message in processes.error(done)
    assert not list(tmp_path.glob("exports*"))
