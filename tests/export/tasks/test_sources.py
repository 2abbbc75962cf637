"""Heads of google-research/albert, Model Garden and KerasHub become text models, too."""

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the ops

from configs import hub_api
from export.artifacts import encoder_spec, text_model_spec, tokenizer_choice
from export.checkpoints import opening, restore
from export.verification import numpy_albert
from tests.support import head_cases, processes

CASES = [case for case in head_cases.CASES.values() if case.name.startswith(("tf1", "mg", "kh"))]
TEXTS = ["the river rose", "a", "by morning the water was high"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_head_says_the_task_or_there_is_a_reason_for_none(case):
    spec = encoder_spec.from_checkpoint(
        case.location, tokenizer=tokenizer_choice.Request(sp_model_file=head_cases.VOCABULARY)
    )
    plan = text_model_spec.Plan(text_model_spec.Request(), spec.manifest_entries())
    if case.kind == "choose":
        assert plan.is_choice and "makes no text model" in plan.problems[0]
    else:
        assert (plan.task, plan.problems) == (case.kind, [])
        assert plan.length == spec.config.max_position_embeddings


@pytest.mark.stress
@pytest.mark.parametrize("case", [case for case in CASES if case.kind != "choose"], ids=str)
def test_one_command_makes_a_text_model_of_it(case, tmp_path):
    path = processes.export(
        *("export.text_model", "--checkpoint", case.location, "--model_name", "x"),
        *("--sp_model_file", head_cases.VOCABULARY),
        cwd=tmp_path,
    )
    signature = hub.load(str(path)).signatures["serving_default"]
    names = signature.structured_input_signature[1]
    outputs = {
        name: output.numpy()
        for name, output in signature(**dict.fromkeys(names, tf.constant(TEXTS))).items()
    }
    assert {len(output) for output in outputs.values()} == {len(TEXTS)}
    if case.kind == "classify":
        scores = [_scores(case, text) for text in TEXTS]
        np.testing.assert_allclose(outputs["scores"], scores, atol=head_cases.ATOL)
        labels = [case.labels[np.argmax(row)].encode() for row in scores]
        assert outputs["label"].tolist() == labels
    elif case.kind == "answer":
        for text, *span, answer in zip(
            TEXTS, *(outputs[name] for name in ("start", "end", "answer")), strict=True
        ):
            assert text.encode()[slice(*span)] == answer


def _scores(case, text):
    """Returns the softmax of the logits, by NumPy from the ids that `sentencepiece` gives."""
    checkpoint = opening.open(case.location)
    processor = sentencepiece.SentencePieceProcessor(model_file=head_cases.VOCABULARY)
    room = checkpoint.config.max_position_embeddings - 2
    first, last = (processor.piece_to_id(piece) for piece in ("[CLS]", "[SEP]"))
    ids = [first, *processor.encode(text)[:room], last]
    arrays = ([ids], [[1] * len(ids)], [[0] * len(ids)])
    inputs = dict(zip(hub_api.ENCODER_INPUTS, map(np.array, arrays), strict=True))
    tensors = restore.read(checkpoint, config=checkpoint.config)
    logits = numpy_albert.encode(tensors, config=checkpoint.config, inputs=inputs)
    exponents = np.exp(logits["classify.logits"][0].astype(np.float64))
    return exponents / exponents.sum()
