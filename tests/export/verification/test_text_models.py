"""Text models are compared with their checkpoints, on texts: what differs is found."""

import dataclasses
import itertools
import json
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text as tf_text
import tokenizers as tokenizers_library

from configs import errors
from export import api
from export.checkpoints import opening
from export.metadata import manifest
from export.verification import (
    check,
    numpy_tasks,
    text_inputs,
    text_model_checks,
    text_model_comparison,
    text_results,
    tolerances,
    verification,
)
from tests.support import processes, sampling, text_models

ATOL = 1e-5  # of scores


@pytest.fixture(autouse=True)
def _without_transformers(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)  # the numpy reference, everywhere


def _checkpoint(name):
    return opening.open(str(text_models.parts(name) / "checkpoint"))


def _compare(name, texts=None, *, checkpoint=None, request=None, **changes):
    """Compares a text model whose manifest has these changes."""
    request = request or {}
    entries = manifest.read(text_models.directory(name, **request)) | changes
    checkpoint = checkpoint or _checkpoint(name)
    return text_model_comparison.compare_loaded(
        text_models.load(name, **request),
        entries=entries,
        checkpoint=checkpoint,
        config=checkpoint.config,
        texts=texts,
    )


def _file(folder, *lines):
    path = folder / "texts.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@sampling.parametrize("name", text_models.NAMES, sample=["single"])
def test_a_text_model_gives_what_its_checkpoint_gives(name):
    result = _compare(name)
    assert result.passed, (result.weight_problems, result.rows, result.texts)
    assert result.weights >= 25
    assert result.texts.count >= 9 and result.texts.differing == ()
    assert result.texts.engine.startswith("numpy oracle")
    assert f"tokenizers {tokenizers_library.__version__}" in result.texts.engine
    assert all(row.tolerance >= tolerances.SCORES for row in result.rows) and result.rows


@sampling.parametrize(
    "request_",
    [
        {"task": "embed", "pooling": "mean", "normalize": True},
        {"task": "embed", "pooling": "mean", "long_texts": "mean"},
        {"task": "embed", "pooling": "mean", "long_texts": "max"},
        {"task": "embed"},
    ],
    sample=[{"task": "embed", "pooling": "mean", "long_texts": "mean"}],
    ids=str,
)
def test_vectors_are_those_of_the_checkpoint(request_, tmp_path):
    texts = _file(tmp_path, "a river", "", "the river rose slowly " * 30)
    result = _compare("single", texts, request=request_)
    assert result.passed and [row.output for row in result.rows] == ["default"]
    other = "max" if request_.get("long_texts") == "mean" else "mean"
    changed = _compare("single", texts, request=request_, pooling="max", long_texts=other)
    assert [row.passed for row in changed.rows] == [False]


@pytest.mark.stress
def test_a_folder_of_sentence_transformers_is_verified(tmp_path):
    case = text_models.sentence_transformers_case(tmp_path / "case")
    path = processes.export(
        "export.text_model", "--checkpoint", case, "--model_name", "m", cwd=tmp_path
    )
    done = processes.run("export.verify", path, "--checkpoint", case)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "another answer for 0 of" in done.stdout


@pytest.fixture
def part(stress):
    """Which of the recorded texts are compared."""
    return slice(None) if stress else slice(None, None, 6)


# Of recorded texts, what transformers' pipelines gave.
@sampling.parametrize("name", ["single", "multi", "regression"], sample=["single"])
def test_the_reference_labels_as_the_pipeline(name, part):
    expected = text_models.expected()
    labels = [label.decode() for label in text_models.load(name).labels.numpy()]
    results = _reference(name, [(text,) for text in expected["texts"][part]])
    for result, scores in zip(results, expected[name][part], strict=True):
        by_label = {one["label"]: one["score"] for one in scores}
        wanted = [by_label[label] for label in labels]
        assert result.numbers["scores"] == pytest.approx(wanted, abs=ATOL)


def test_the_reference_labels_pairs_as_the_pipeline(part):
    expected = text_models.expected()
    results = _reference("single", expected["pairs"][part])
    for result, scores in zip(results, expected["pairs_of_single"][part], strict=True):
        best = max(scores, key=lambda one: one["score"])
        assert result.choices["label"] == best["label"]
        assert result.numbers["score"] == pytest.approx(best["score"], abs=ATOL)


def test_the_reference_finds_the_entities_of_the_pipeline(part):
    expected = text_models.expected()
    texts = expected["texts"][part]
    results = _reference("tag", [(text,) for text in texts])
    for text, result, entities in zip(texts, results, expected["tag"][part], strict=True):
        spans = [
            (e["entity_group"], *(len(text[: e[end]].encode()) for end in ("start", "end")))
            for e in entities
        ]
        assert result.choices["entities"] == tuple(spans)
        assert result.numbers["score"] == pytest.approx([e["score"] for e in entities], abs=ATOL)


@pytest.mark.parametrize(("key", "length"), [("answer", 15), ("longer_answers", 30)])
def test_the_reference_answers_as_the_pipeline(key, length, part):
    expected = text_models.expected()
    contexts = expected["contexts"][part]
    results = _reference("answer", contexts, max_answer_length=length)
    for (_, context), result, answer in zip(contexts, results, expected[key][part], strict=True):
        start, end = result.choices["answer"]
        assert context.encode()[start:end].decode() == answer["answer"]
        assert result.numbers["score"] == pytest.approx(answer["score"], abs=ATOL)


def test_the_reference_finds_the_words_of_the_pipeline(part):
    expected = text_models.expected()
    results = _reference("fill_mask", [(text,) for text in expected["masked"][part]])
    for result, words in zip(results, expected["fill_mask"][part], strict=True):
        assert list(result.choices["tokens"]) == [word["token"] for word in words]
        assert result.numbers["scores"] == pytest.approx([w["score"] for w in words], abs=ATOL)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("answer", [("the " * 22, "A river rose."), ("the " * 23, "A river rose.")]),
        ("fill_mask", [("[MASK]" + " the" * 22,), ("[MASK]" + " the" * 23 + " [MASK]",)]),
    ],
)
def test_the_reference_says_what_is_cut_as_the_model(name, texts):
    inputs = [text_inputs.Text(*text) for text in texts]
    got = text_results.of(text_models.load(name), inputs, task=name, batch=2)
    expected = _reference(name, texts)
    for text, left, right in zip(inputs, got, expected, strict=True):
        assert text_results.comparable(text, left.choices) == text_results.comparable(
            text, right.choices
        )
    assert [result.choices["truncated"] for result in expected] == [False, True]


def _reference(name, texts, **changes):
    """Returns what the reference gives for texts, by a manifest with these changes."""
    checkpoint = _checkpoint(name)
    reference = text_model_comparison.open_reference(
        checkpoint,
        module=text_models.load(name),
        entries=manifest.read(text_models.directory(name)) | changes,
        config=checkpoint.config,
    )
    return [reference.result(text_inputs.Text(*text)) for text in texts]


@pytest.fixture
def perturbed():
    """A classifier with one weight that is off by 1e-3."""
    module = text_models.load("single")
    (kernel,) = [v for v in module.variables if v.name.startswith("cls/classify/kernel")]
    value = kernel.numpy()
    changed = value.copy()
    changed[0, 0] += 1e-3
    kernel.assign(changed)
    yield
    kernel.assign(value)


def test_a_weight_that_differs_is_found(perturbed, tmp_path):
    result = _compare("single", _file(tmp_path, "a river", "b"))
    assert result.weight_problems == ("cls/classify/kernel differs by up to 1.0e-03",)
    assert not result.passed
    assert {row.output for row in result.rows if not row.passed} >= {"logits", "scores"}
    assert len(result.texts.differing) == 2 and "scores differs by" in result.texts.differing[0]


@pytest.fixture
def quiet_tagger():
    """A tagger that finds nothing in some texts."""
    module = text_models.load("tag")
    (bias,) = [v for v in module.variables if v.name.startswith("cls/tag/bias")]
    value = bias.numpy()
    bias.assign(
        value + 2.0 * (np.array(manifest.read(text_models.directory("tag"))["labels"]) == "O")
    )
    yield module
    bias.assign(value)


def test_a_text_without_entities_beside_one_with_some_is_as_it_is_alone(quiet_tagger):
    findings = check.run_checks(text_model_checks.CHECKS, quiet_tagger, "")
    assert [found.problem for found in findings] == [None] * 4
    outputs = text_model_checks._serve(quiet_tagger, text_model_checks._TEXTS)
    assert min(outputs["count"].numpy()) == 0 and max(outputs["count"].numpy()) > 1


def test_swapped_labels_are_found(tmp_path):
    folder = tmp_path / "checkpoint"
    shutil.copytree(text_models.parts("single") / "checkpoint", folder)
    values = json.loads((folder / "config.json").read_text())
    values["id2label"] = {"0": "yes", "1": "no", "2": "maybe"}
    values["label2id"] = {"yes": 0, "no": 1, "maybe": 2}
    (folder / "config.json").write_text(json.dumps(values))
    texts = text_models.expected()["texts"]
    scores = text_models.expected()["single"]
    named = [max(one, key=lambda o: o["score"])["label"] for one in scores]
    wrong = sum(label != "maybe" for label in named)
    assert wrong > 0
    result = _compare("single", _file(tmp_path, *texts), checkpoint=opening.open(str(folder)))
    assert result.texts.other == wrong and not result.passed
    assert all("label is " in one for one in result.texts.differing)


@sampling.parametrize("name", ["single", "tag"], sample=["single"])
def test_another_truncation_is_found(name, tmp_path):
    texts = _file(tmp_path, "a river", "the river rose slowly " * 30)
    result = _compare(name, texts, max_seq_length=40)
    assert not result.passed and len(result.texts.differing) == 1
    assert any(not row.passed for row in result.rows) or result.texts.other == 1


@pytest.mark.stress  # above is another truncation
def test_other_windows_are_found(part, tmp_path):
    contexts = text_models.expected()["contexts"][part]
    texts = _file(tmp_path, *("\t".join(pair) for pair in contexts))
    result = _compare("answer", texts, max_seq_length=64)
    assert not result.passed and result.texts.differing


@pytest.mark.stress  # the reference has them above
def test_longer_answers_are_those_of_the_checkpoint_and_told_from_shorter_ones(part, tmp_path):
    contexts = text_models.expected()["contexts"][part]
    texts = _file(tmp_path, *("\t".join(pair) for pair in contexts))
    request = {"max_answer_length": 30}
    assert _compare("answer", texts, request=request).passed
    other = _compare("answer", texts, request=request, max_answer_length=15)
    assert not other.passed and other.texts.differing


def test_a_checkpoint_without_the_head_is_refused():
    with pytest.raises(errors.CheckpointError, match="has no head for tag"):
        _compare("tag", checkpoint=_checkpoint("single"))


def test_a_tie_is_not_another_answer():
    right = text_model_comparison.text_reference.Result(
        numbers={"scores": np.array([0.5, 0.5])},
        choices={"label": "a", "truncated": False},
        margin=1e-6,
    )
    got = dataclasses.replace(right, choices={"label": "b", "truncated": False})
    texts = [text_inputs.Text("t")]
    entries = {"made_from": {"encoder": {}}}
    compared = text_model_comparison._compared
    _, found = compared(texts, [right], [got], "engine", entries)
    assert (found.other, found.ties) == (0, 1)
    clear = dataclasses.replace(right, margin=1e-2)
    _, found = compared(texts, [clear], [got], "engine", entries)
    assert (found.other, found.ties) == (1, 0)
    cut = dataclasses.replace(right, choices={"label": "a", "truncated": True})
    _, found = compared(texts, [right], [cut], "engine", entries)
    assert (found.other, found.ties) == (1, 0)


@pytest.mark.parametrize("room", [5, 6])
def test_pairs_are_cut_as_the_libraries_cut_them(room):
    words = [f"w{number}" for number in range(10)]
    vocabulary = {word: number for number, word in enumerate(words)}
    model = tokenizers_library.models.WordLevel(vocabulary, unk_token="w0")
    library = tokenizers_library.Tokenizer(model)
    library.pre_tokenizer = tokenizers_library.pre_tokenizers.Whitespace()
    library.enable_truncation(room, strategy="longest_first")
    trimmer = tf_text.RoundRobinTrimmer(room)
    for first, second in itertools.product(range(10), repeat=2):
        pair = library.encode(" ".join(words[:first]), " ".join(words[:second]))
        kept = (pair.type_ids.count(0), pair.type_ids.count(1))
        assert numpy_tasks.cut_pair(first, second, room=room, fairly=True) == kept
        ragged = [tf.ragged.constant([list(range(size))], tf.int32) for size in (first, second)]
        trimmed = tuple(int(part.row_lengths()[0]) for part in trimmer.trim(ragged))
        assert numpy_tasks.cut_pair(first, second, room=room, fairly=False) == trimmed


@pytest.mark.parametrize(
    ("text", "span", "wanted"),
    [
        ("e\u0301 a", (0, 1), (0, 3)),
        ("a``b", (2, 4), (1, 4)),
        ("a''", (1, 2), (1, 2)),
        ("ab c", (0, 1), (0, 1)),
        ("", (0, 0), (0, 0)),
    ],
)
def test_spans_are_widened_to_whole_characters_and_no_more(text, span, wanted):
    assert text_results._widened(text.encode(), *span) == wanted


@pytest.mark.parametrize(
    ("task", "content", "problem"),
    [
        ("answer", "Who?\tHe.\nWho?\n", "line 2 is not a question, a tab and a context"),
        ("classify", "a\tb\tc\n", "line 1 has more than two texts"),
        ("fill_mask", "[MASK]\n\n[MASK] [MASK]\n", "line 2 has not exactly one [MASK]; line 3"),
        ("embed", "", "has no text"),
        ("tag", b"\xff\n", "cannot be read"),
    ],
)
def test_files_that_are_not_for_the_task_are_refused(task, content, problem, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(errors.InputError) as caught:
        text_inputs.read(str(path), task=task, mask="[MASK]")
    assert problem in str(caught.value)


def test_files_have_a_text_a_line(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("é\r\n\na\tb".encode())
    read = [dataclasses.astuple(one) for one in text_inputs.read(str(path), task="tag", mask="")]
    assert read == [("é", None), ("", None), ("a\tb", None)]
    pairs = text_inputs.read(str(path), task="classify", mask="")
    assert [dataclasses.astuple(one) for one in pairs][2] == ("a", "b")


@pytest.mark.stress
def test_the_command_prints_what_the_texts_show(tmp_path):
    directory = text_models.directory("single")
    checkpoint = text_models.parts("single") / "checkpoint"
    texts = _file(tmp_path, "a river", "a\tb")
    done = processes.run("export.verify", directory, "--checkpoint", checkpoint, "--texts", texts)
    assert done.returncode == 0, done.stderr
    assert "weights: 27 variables compared bit by bit, 0 problems" in done.stdout
    assert "another answer for 0 of 2 texts" in done.stdout and "FAIL" not in done.stdout


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"texts": __file__}, "--texts needs --checkpoint"),
        ({"texts": "nowhere", "checkpoint": "{checkpoint}"}, "'nowhere' is not a file"),
    ],
)
def test_texts_that_cannot_be_used_are_refused_before_anything_is_loaded(options, problem):
    with pytest.raises(errors.InputError, match=problem):
        api.verify(text_models.directory("single"), **options)


def test_texts_are_for_text_models(tiny_preprocessor):
    checkpoint = opening.open(str(text_models.parts("single") / "checkpoint"))
    with pytest.raises(errors.InputError, match="--texts is for text models"):
        verification.verify(
            str(tiny_preprocessor), checkpoint=checkpoint, config=None, texts=__file__
        )
