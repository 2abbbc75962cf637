"""`export.verify`: says what does not hold, and nothing about what does."""

import dataclasses
import html.parser
import io
import json
import os
import re
import shutil
import sys

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf
import tensorflow_hub as hub

from configs import errors
from export.checkpoints import opening, restore
from export.cli import console
from export.metadata import manifest
from export.verification import (
    check,
    comparison,
    contract,
    numpy_albert,
    published_rules,
    reference,
    report,
    verification,
)
from tests.support import (
    cases,
    golden,
    golden_artifacts,
    preprocess_artifacts,
    processes,
    restored,
    sampling,
)


@pytest.fixture(scope="module")
def artifact(golden_root):
    return golden_artifacts.directory("tiny", golden_root)


def _broken(findings):
    return [finding.check for finding in findings if finding.problem]


@pytest.mark.stress  # the command's test below has one
@pytest.mark.parametrize("name", ["tiny", "tiny_groups"])
def test_our_encoders_keep_the_contract(golden_root, name):
    kind, findings = contract.run(golden_artifacts.directory(name, golden_root))
    assert kind == manifest.ENCODER
    assert [finding for finding in findings if finding.problem] == []


def test_our_preprocessor_keeps_the_contract():
    kind, findings = contract.run(preprocess_artifacts.directory("default"))
    assert kind == manifest.PREPROCESSOR
    assert [finding for finding in findings if finding.problem] == []


@pytest.mark.stress
def test_of_model_gardens_encoder_only_the_signatures_break_the_contract(golden_root):
    _, findings = contract.run(str(golden_root / "tiny" / "model_garden" / "saved_model"))
    assert _broken(findings) == [
        "signature `serving_default` has inputs and outputs by name",
        "signature `mlm` has inputs and outputs by name",
    ]


def _save(module, path, call, specs):
    """Saves an object whose `__call__` is `call`, with the attributes that `module` has."""
    saved = tf.train.Checkpoint(**module)
    saved.__call__ = tf.function(call)
    for training in (True, False):
        saved.__call__.get_concrete_function(specs, training)
    tf.saved_model.save(saved, str(path))


def test_every_check_can_fail(artifact, tmp_path):
    """An encoder that is wrong in every respect fails every check."""
    original = hub.load(artifact)
    variables = [tf.Variable(v, name=v.name.removesuffix(":0")) for v in original.variables[::-1]]
    words = next(v for v in variables if v.name.startswith("word_embeddings"))

    def call(inputs, training=False):
        noise = tf.random.uniform([3, 10, 16])
        embedded = tf.cast(tf.gather(words, inputs["input_word_ids"]) + noise, tf.float16)
        return {"sequence_output": embedded, "pooled_output": embedded[:, 0]}

    specs = {
        name: tf.TensorSpec([None, None], tf.int32, name=name)
        for name in ("input_word_ids", "input_mask", "input_type_ids")
    }
    parts = {"variables": variables, "trainable_variables": variables[:3]}
    parts["regularization_losses"] = [tf.Variable(0.0)]
    _save(parts, tmp_path / "wrong", call, specs)
    kind, findings = contract.run(str(tmp_path / "wrong"))
    assert kind == manifest.ENCODER
    kept = [finding.check for finding in findings if not finding.problem]
    assert kept == ["it is called with a dict of int32 inputs, training True and False"]
    assert all("\n" not in finding.problem for finding in findings if finding.problem)


def test_what_is_not_a_saved_model_is_refused(tmp_path):
    with pytest.raises(errors.CheckpointError, match="cannot be loaded"):
        contract.run(str(tmp_path))


_SOURCES = [
    ("tf1/model.ckpt-best", "numpy oracle", set()),
    ("tf1_hub", "the TF1 Hub module itself", {"encoder_outputs", "default"}),
]


@sampling.parametrize(("source", "engine", "the_oracles"), _SOURCES, sample=_SOURCES[:1])
def test_artifact_equals_every_source_of_its_weights(
    golden_root, artifact, source, engine, the_oracles
):
    opened = opening.open(str(golden_root / "tiny" / source))
    config = golden.MODELS["tiny"].config
    result = comparison.compare(artifact, checkpoint=opened, config=config)
    assert result.passed, (result.weight_problems, [r for r in result.rows if not r.passed])
    assert result.weights == 32
    outputs = {row.output for row in result.rows}
    assert {"encoder_outputs", "pooled_output", "mlm_logits", "sop_logits"} <= outputs
    assert [row.layer for row in result.rows if row.output == "encoder_outputs"] == [1, 2, 3]
    assert all(0 <= row.difference <= golden.ATOL for row in result.rows)
    for row in result.rows:
        assert row.engine.startswith("numpy oracle" if row.output in the_oracles else engine)


@pytest.mark.stress  # the NumPy oracle is the engine of the tests before it
def test_a_saved_model_answers_for_itself(golden_root):
    config = golden.MODELS["tiny"].config
    opened = opening.open(str(golden_root / "tiny" / "model_garden" / "saved_model"))
    tensors = restore.read(opened, config=config)
    inputs = reference.inputs(config)
    itself, rest = reference.compute(opened, tensors=tensors, config=config, inputs=inputs)
    assert itself.engine.startswith("the SavedModel itself")
    assert {"encoder_outputs", "mlm_logits"} <= set(itself.outputs)
    assert set(rest.outputs) == {"attention_probs"}  # which it does not tell


def test_transformers_is_the_engine_of_hugging_face_where_it_is_installed(golden_root, artifact):
    pytest.importorskip("transformers", reason="transformers is not installed: not the engine here")
    opened = opening.open(str(golden_root / "tiny" / "hf"))
    result = comparison.compare(artifact, checkpoint=opened, config=opened.config)
    assert result.passed
    assert all(row.engine.startswith("transformers") for row in result.rows)


def test_a_weight_that_outputs_cannot_show_is_found(golden_root, artifact, tmp_path):
    hf = golden_root / "tiny" / "hf"
    shutil.copy(hf / "config.json", tmp_path)
    weights = safetensors.numpy.load_file(hf / "model.safetensors")
    (name,) = (name for name in weights if name.endswith("attention.key.bias"))
    weights[name] += 1e-3
    safetensors.numpy.save_file(weights, tmp_path / "model.safetensors")
    opened = opening.open(str(tmp_path))
    result = comparison.compare(artifact, checkpoint=opened, config=opened.config)
    assert all(row.passed for row in result.rows)
    assert not result.passed
    assert result.weight_problems == (
        "transformer/self_attention/key/bias differs by up to 1.0e-03",
    )


@pytest.mark.stress  # conformance/test_rounding.py has them
@pytest.mark.parametrize("change", [{"hidden_act": "gelu"}, {"layer_norm_eps": 1e-5}], ids=str)
def test_a_wrong_gelu_or_epsilon_is_over_the_tolerance(golden_root, artifact, tmp_path, change):
    hf = golden_root / "tiny" / "hf"
    values = json.loads((hf / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(values))
    shutil.copy(hf / "model.safetensors", tmp_path)
    opened = opening.open(str(tmp_path))
    result = comparison.compare(artifact, checkpoint=opened, config=opened.config)
    assert not result.weight_problems
    bad = {row.output for row in result.rows if not row.passed}
    assert {"pooled_output", "sequence_output", "encoder_outputs"} <= bad


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("hf_groups_rounding", {"group_formula": "original"}),
        ("hf_config_gelu_without_model_type", {"hidden_act": "gelu_tanh"}),
    ],
)
def test_the_reference_does_not_repeat_what_the_exporter_took_wrongly(name, fault, monkeypatch):
    """The artifact is made from the config; the reference computes by the source's own rule."""
    monkeypatch.setitem(sys.modules, "transformers", None)  # the numpy reference, everywhere
    case = cases.CASES[name]
    opened = opening.open(case.location())
    wrong = dataclasses.replace(opened.config, **fault)
    tensors = restore.read(opened, config=wrong)
    inputs = {key: value for key, value in case.inputs().items() if "masked" not in key}
    (computed,) = reference.compute(opened, tensors=tensors, config=wrong, inputs=inputs)
    assert {"pooled_output", "sequence_output"} <= case.compare(computed.outputs)
    outputs = numpy_albert.encode(tensors, config=wrong, inputs=inputs)
    difference = outputs["pooled_output"] - case.expected["pooled_output"]
    assert np.abs(difference).max() > cases.ATOL  # so that verification fails


# Evaluated by hand from the lines of code that published_rules quotes.
@pytest.mark.parametrize(
    ("checkpoint_format", "layers", "groups", "expected"),
    [
        ("tf1", 22, 22, [*range(15), 14, *range(16, 22)]),
        ("huggingface", 22, 22, [*range(22)]),
        ("keras_hub", 4, 2, [0, 0, 1, 1]),
        ("tf1", 5, 3, [0, 0, 1, 1, 2]),
    ],
)
def test_published_groups(checkpoint_format, layers, groups, expected):
    assert published_rules.groups(checkpoint_format, layers=layers, groups=groups) == expected


@pytest.mark.stress
def test_another_checkpoint_is_one_problem_not_one_for_each_variable(
    golden_root, artifact, tmp_path
):
    tensors = restored.golden_hf(golden_root)
    changed = {name: value + np.float32(1) for name, value in tensors.items()}
    restored.write_hf(golden_root, tmp_path, changed)
    opened = opening.open(str(tmp_path))
    result = verification.verify(artifact, checkpoint=opened, config=None)
    assert result.problems == [
        "weights: 32 of 32 variables differ: the artifact was made from another checkpoint"
    ]
    text = io.StringIO()
    result.show(console.for_stream(text))
    assert text.getvalue().count("FAIL") == 1
    groups = opening.open(str(golden_root / "tiny_groups" / "hf"))
    with pytest.raises(errors.CheckpointMismatchError, match="made from another model") as caught:
        verification.verify(artifact, checkpoint=groups, config=None)
    assert "num_hidden_groups is 1 in the artifact, 2 in the checkpoint" in str(caught.value)


def test_inputs_exercise_every_type_and_are_valid():
    config = golden.MODELS["tiny"].config
    arrays = reference.inputs(config)
    ids, mask = arrays["input_word_ids"], arrays["input_mask"]
    assert ids.min() >= 0 and ids.max() < config.vocab_size
    assert set(np.unique(arrays["input_type_ids"])) == {0, 1}
    assert sorted(mask.sum(1)) == [12, 19, 24]
    positions = arrays["masked_lm_positions"]
    assert (positions < mask.sum(1)[:, None]).all()
    assert all(array.dtype == np.int32 for array in arrays.values())


def _row(layer, difference):
    return comparison.Row(
        output="encoder_outputs",
        layer=layer,
        engine="oracle",
        difference=difference,
        tolerance=2e-5,
    )


class _Parser(html.parser.HTMLParser):
    def handle_data(self, data):
        self.text += data


def _text(page):
    parser = _Parser()
    parser.text = ""
    parser.feed(page)
    return parser.text


def test_page_is_self_contained_and_has_a_bar_for_every_layer():
    rows = tuple(_row(layer, layer * 8e-7) for layer in range(1, 25))
    found = comparison.Comparison(rows=rows, weights=25, weight_problems=())
    page = report.page("<albert> & {co} [red]", findings=[], compared=found)
    assert "<albert>" not in page
    assert not re.search(r"https?://|src=|@import|<script", page)
    text = _text(page)
    assert "<albert> & {co} [red]" in text and "Everything holds" in text
    bars = [len(bar) for bar in re.findall(r"#+", text.partition("against")[2])]
    assert len(bars) == 24 and bars == sorted(bars) and bars[0] == 1 and bars[-1] == 20


def test_a_log_gets_long_lines_whole():
    problem = "a long reason [with brackets] :smile: " * 20
    finding = check.Finding(check="it works", problem=problem)
    log = io.StringIO()
    report.show(console.for_stream(log), findings=[finding], compared=None)
    assert problem in log.getvalue()


def test_page_and_table_show_what_fails():
    found = comparison.Comparison(
        rows=(_row(1, np.inf), _row(2, 0.0)), weights=1, weight_problems=("x differs",)
    )
    findings = [check.Finding(check="it works", problem="<it> does not")]
    page = report.page("t", findings=findings, compared=found)
    assert "Something does not hold" in page and "&lt;it&gt; does not" in page
    log = io.StringIO()
    report.show(console.for_stream(log), findings=findings, compared=found)
    for text in (_text(page), log.getvalue()):
        assert text.count("FAIL") == 3 and text.count("pass ") == 1
        assert "inf" in text and "x differs" in text


def _run(*arguments):
    return processes.run("export.verify", *arguments)


def test_command_prints_a_table_writes_its_results_and_exits_with_0(
    golden_root, artifact, tmp_path, monkeypatch
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    page, results = tmp_path / "page.html", tmp_path / "results.json"
    checkpoint = str(golden_root / "tiny" / "tf1")
    files = ("--report", str(page), "--results", str(results))
    done = _run(artifact, "--checkpoint", checkpoint, *files)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["checking the contract", f"comparing with {checkpoint}"]
    assert "weights: 32 variables compared bit by bit, 0 problems" in done.stdout
    assert "encoder_outputs, layer 3" in done.stdout and "FAIL" not in done.stdout
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert "encoder_outputs, layer 3" in _text(page.read_text())
    found = json.loads(results.read_text())
    assert found["weights"] == 32 and found["problems"] == []
    assert done.stdout.count("  pass  it ") == sum(one.startswith("it ") for one in found["checks"])
    by_output = {row["output"]: row for row in found["outputs"]}
    assert len(by_output) > 5
    for row in by_output.values():
        assert 0 <= row["difference"] <= row["tolerance"]
        assert f"{row['difference']:.1e}" in done.stdout
    assert os.listdir(temporary) == []


@pytest.mark.stress
def test_command_exits_with_1_and_says_what_is_missing(golden_root):
    done = _run(str(golden_root / "tiny" / "model_garden" / "saved_model"))
    assert "serving_default" in processes.error(done)
    assert done.stdout.count("FAIL") == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "missing arguments: ARTIFACT"),
        (["a", "b"], "unexpected arguments: b"),
        (["nowhere"], "'nowhere' is not the directory of a SavedModel"),
        (["{artifact}", "--checkpoint", "nowhere"], "'nowhere' does not exist"),
    ],
)
def test_command_refuses_what_it_cannot_verify(artifact, arguments, reason):
    done = _run(*(argument.format(artifact=artifact) for argument in arguments))
    assert reason in processes.error(done)
    assert done.stdout == ""
    assert os.path.isdir(artifact)
