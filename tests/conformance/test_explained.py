"""What explanations need: attention as an output, embeddings as input, gradients of the input.

The oracle is transformers: see `testdata/explained/make.py`.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from configs import hub_api
from export.checkpoints import opening, restore
from export.metadata import manifest
from export.verification import check, explanation_checks
from tests.conformance import rounding, table

ROOT = pathlib.Path(__file__).parents[1] / "testdata" / "explained"
# Between frameworks; 1e-6 was seen.
ATOL = 2e-5
CASES = [case for case in table.CASES if case.artifact is table.EXPLAINED and not case.is_unpadded]
each_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def root():
    """Returns the artifact. Tests must not change its variables."""
    return table.load(table.EXPLAINED)


def _embeddings(root, inputs):
    """Returns the inputs with embeddings in place of ids."""
    ids = inputs[hub_api.INPUT_WORD_IDS]
    words = root.from_embeddings.lookup(tf.reshape(ids, [-1, ids.shape[-1]]))
    words = tf.reshape(words, [*ids.shape, words.shape[-1]])
    rest = {name: value for name, value in inputs.items() if name != hub_api.INPUT_WORD_IDS}
    return {**rest, hub_api.WORD_EMBEDDINGS: words}


def _assert_close(got, expected, name=""):
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=ATOL, rtol=0, err_msg=name)


def test_attention_outputs_and_gradients_are_those_of_transformers():
    expected = dict(np.load(ROOT / "expected.npz"))
    checkpoint = opening.open(str(ROOT))
    weights = restore.read(checkpoint, config=checkpoint.config)
    inputs = {name: tf.constant(expected[name]) for name in hub_api.ENCODER_INPUTS}
    with table.changeable(table.EXPLAINED) as root:
        for variable in root.classify.variables:
            variable.assign(weights[table.name_of(variable)])
        inputs = _embeddings(root, inputs)
        words = inputs[hub_api.WORD_EMBEDDINGS]
        with tf.GradientTape() as tape:
            tape.watch(words)
            outputs = root.from_embeddings.classify(inputs)
            loss = tf.reduce_sum(outputs[hub_api.LOGITS] * expected["weights"])
        gradient = tape.gradient(loss, words)
    np.testing.assert_array_equal(words, expected[hub_api.WORD_EMBEDDINGS])
    _assert_close(tf.stack(outputs[hub_api.ATTENTION_PROBS]), expected["attentions"])
    for name in (hub_api.LOGITS, hub_api.SEQUENCE_OUTPUT):
        _assert_close(outputs[name], expected[name], name)
    _assert_close(gradient, expected["gradient"])
    assert np.abs(expected["gradient"]).max() > 0.5


@each_case
def test_embeddings_of_ids_give_what_the_ids_give(root, case):
    inputs = case.inputs()
    call = case.callable_in(root.from_embeddings)
    outputs = call(_embeddings(root, inputs))
    rounding.assert_outputs_right(case, outputs)
    shared = case.callable_in(root).variables
    assert [id(v) for v in call.variables] == [id(v) for v in shared]
    assert [id(v) for v in call.trainable_variables] == [id(v) for v in shared]


@pytest.mark.stress
def test_the_table_gets_the_same_gradient_through_a_lookup_as_through_ids(root):
    case = CASES[0]
    variables = root.mlm.trainable_variables
    gradients = []
    for through_lookup in (False, True):
        with tf.GradientTape() as tape:
            inputs = case.inputs()
            call = root.from_embeddings.mlm if through_lookup else root.mlm
            given = _embeddings(root, inputs) if through_lookup else inputs
            loss = case.losses(call(given, training=True))[table.SUM]
        found = tape.gradient(loss, variables)
        gradients.append([tf.convert_to_tensor(gradient).numpy() for gradient in found])
    for variable, one, two in zip(variables, *gradients, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4, rtol=1e-4, err_msg=variable.name)


def test_the_encoder_alone_takes_embeddings_too(root):
    inputs = {**CASES[0].inputs()}
    positions = inputs.pop(hub_api.MASKED_LM_POSITIONS)
    assert positions.shape == [table.B, table.P]
    outputs = root.from_embeddings(_embeddings(root, inputs))
    for name, output in root(inputs).items():
        tf.nest.map_structure(np.testing.assert_array_equal, outputs[name], output)
    assert root.from_embeddings.lookup.variables[0] is root.variables[0]


def test_signatures_have_no_attention_and_there_are_none_on_embeddings(root):
    assert set(root.signatures) == {"serving_default", "unpadded", "mlm", "classify", "choose"}
    for signature in root.signatures.values():
        assert not [name for name in signature.structured_outputs if "attention" in name]


def test_the_manifest_says_what_was_asked_for():
    entries = manifest.read(table.directory(table.EXPLAINED))
    assert entries["attention_outputs"] is entries["from_embeddings"] is True
    others = manifest.read(table.directory(table.ARTIFACTS[0]))
    assert not {"attention_outputs", "from_embeddings"} & set(others)


def _problems(module):
    directory = table.directory(table.EXPLAINED)
    checks = explanation_checks.checks(module, directory)
    return [finding.problem for finding in check.run_checks(checks, module, directory)]


@pytest.mark.stress  # export.verify finds other faults in export/test_verify.py
def test_export_verify_checks_what_was_asked_for(root):
    assert _problems(root) == [None] * 4


def test_export_verify_finds_what_is_missing():
    """Here the manifest asks for what another artifact's callables do not have."""
    problems = _problems(table.load(table.ARTIFACTS[0]))
    assert "output attention_probs is missing" in problems[0]
    assert problems[1:] == ["there is no .from_embeddings"] * 3


@pytest.mark.stress
@each_case
def test_embeddings_work_in_a_keras_layer_and_compiled_by_xla(root, case):
    inputs = _embeddings(root, case.inputs())
    call = case.callable_in(root.from_embeddings)
    layer = hub.KerasLayer(call, trainable=True)
    compiled = tf.function(lambda inputs: call(inputs), jit_compile=True, autograph=False)
    rounding.assert_outputs_right(case, layer(inputs))
    rounding.assert_outputs_right(case, compiled(inputs))
    assert len(layer.trainable_weights) == len(call.variables)
