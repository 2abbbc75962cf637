"""Heads of fine-tuned models, from every source: the artifact computes what the source does.

The oracle is the code that wrote each checkpoint: see `testdata/heads/README.md`.
"""

import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from configs import head_config, hub_api
from export.artifacts import encoder_artifact, encoder_spec, tokenizer_choice
from export.checkpoints import opening, restore
from export.metadata import finalize
from export.verification import comparison, contract, numpy_albert
from tests.support import head_cases, shared_run

CASES = pytest.mark.parametrize("case", head_cases.CASES.values(), ids=lambda case: case.name)
# Those that are exported without --stress. The conformance table has every head.
_EXPORTED = ("tf1_answer_beam",)


def pytest_generate_tests(metafunc):
    if "exported_case" in metafunc.fixturenames:
        names = head_cases.CASES if metafunc.config.getoption("--stress") else _EXPORTED
        metafunc.parametrize("exported_case", [head_cases.CASES[n] for n in names], ids=str)


def _exported(case):
    """Returns the folder of the artifact of a case."""
    return str(shared_run.once(f"heads/{case.name}", lambda folder: _write(folder, case)))


def _write(folder, case):
    spec = encoder_spec.from_checkpoint(
        case.location, tokenizer=tokenizer_choice.Request(sp_model_file=head_cases.VOCABULARY)
    )
    encoder_artifact.write(str(folder), spec=spec, compute_dtype="float32")
    finalize.finalize(str(folder), serving_warmup=False)
    return folder


def _manifest(case):
    with open(f"{_exported(case)}/assets.extra/manifest.json") as file:
        return json.load(file)


def test_head_computes_what_its_source_computes(exported_case):
    case = exported_case
    module = hub.load(_exported(case))
    inputs = {name: tf.constant(array) for name, array in case.head_inputs().items()}
    outputs = getattr(module, case.kind)(inputs)
    case.compare(outputs)
    case.compare(module.signatures[case.kind](**inputs))
    mask = case.inputs()[hub_api.INPUT_MASK].astype(bool)
    case.compare(getattr(module.unpadded, case.kind)(inputs), mask=mask)


@CASES
def test_checkpoint_says_which_head_it_has_and_of_what(case):
    checkpoint = opening.open(case.location)
    (head,) = checkpoint.heads
    assert head.kind == case.kind and head.labels == case.labels
    assert head.problem_type == case.problem_type and head.is_beam == case.is_beam
    assert bool(checkpoint.found_heads.guesses) == case.guessed


@CASES
def test_numpy_model_computes_what_the_source_computes(case):
    checkpoint = opening.open(case.location)
    tensors = restore.read(checkpoint, config=checkpoint.config)
    outputs = numpy_albert.encode(tensors, config=checkpoint.config, inputs=case.inputs())
    start = f"{case.kind}."
    own = {name.removeprefix(start): v for name, v in outputs.items() if name.startswith(start)}
    case.compare(own)


def test_labels_and_problem_type_are_in_the_graph_and_in_the_manifest(exported_case):
    case = exported_case
    manifest, module = _manifest(case), hub.load(_exported(case))
    assert case.kind in manifest["heads"]
    assert manifest.get("labels", {}).get(case.kind, []) == list(case.labels)
    assert manifest.get("problem_type") == case.problem_type
    assert ("guessed_heads" in manifest["weights"]) == case.guessed
    for root in (module, module.unpadded):
        head = getattr(root, case.kind)
        assert hasattr(head, "labels") == bool(case.labels)
        if case.labels:
            assert [label.decode() for label in head.labels.numpy()] == list(case.labels)
        if case.problem_type:
            assert head.problem_type.numpy().decode() == case.problem_type
        assert not any(v.dtype == tf.string for v in head.variables)


@pytest.mark.stress
def test_verify_knows_the_head(exported_case):
    case = exported_case
    kind, findings = contract.run(_exported(case))
    assert kind == "encoder"
    assert [finding for finding in findings if finding.problem] == []
    assert sum(f".{case.kind}" in finding.check for finding in findings) >= 3
    checkpoint = opening.open(case.location)
    result = comparison.compare(_exported(case), checkpoint=checkpoint, config=checkpoint.config)
    assert result.passed, (result.weight_problems, [r for r in result.rows if not r.passed])
    compared = {row.output for row in result.rows if row.output.startswith(f"{case.kind}.")}
    assert len(compared) == (4 if case.is_beam else 2 if case.kind == head_config.ANSWER else 1)


def test_exporting_the_artifact_again_changes_nothing(exported_case):
    case = exported_case
    first, second = opening.open(case.location), opening.open(_exported(case))
    assert second.heads == first.heads
    assert second.config == first.config
    expected = restore.read(first, config=first.config)
    got = restore.read(second, config=second.config)
    assert set(got) == set(expected)
    for name in got:
        np.testing.assert_array_equal(got[name], expected[name], err_msg=name)
