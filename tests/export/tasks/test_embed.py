"""Vectors of texts: every pooling, long texts in parts, and folders of sentence-transformers."""

import dataclasses
import functools
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from configs import errors, pooling
from export.artifacts import encoder_spec, text_model_spec
from export.checkpoints.readers import sentence_transformers
from export.tasks import embed
from export.verification import text_reference
from tests.support import processes, sampling, text_models

TEXTS = ["a river", "the river rose slowly " * 30, "b"]


@functools.cache
def _parts():
    folder = text_models.parts("single")
    return hub.load(str(folder / "encoder")), hub.load(str(folder / "preprocessor"))


@functools.cache
def _states(*texts):
    """Returns the states of the tokens of each text, by the encoder alone."""
    encoder, preprocessor = _parts()
    rows = []
    for text in texts:
        inputs = preprocessor.bert_pack_inputs(preprocessor.tokenize([text]), seq_length=48)
        count = int(tf.reduce_sum(inputs["input_mask"]))
        rows.append(encoder(inputs)["sequence_output"][0, :count].numpy())
    return rows


@pytest.mark.parametrize(
    ("mode", "pool"),
    [
        ("first", lambda states: states[0]),
        ("max", lambda states: states.max(axis=0)),
        ("mean", lambda states: states.mean(axis=0)),
        ("mean_sqrt_len_tokens", lambda states: states.sum(axis=0) / np.sqrt(len(states))),
        ("weightedmean", lambda states: np.average(states, 0, np.arange(len(states)) + 1)),
        ("lasttoken", lambda states: states[-1]),
    ],
)
def test_poolings_are_those_of_sentence_transformers(mode, pool):
    states = _states(*TEXTS)
    padded = np.zeros([3, 48, 16], np.float32)
    mask = np.zeros([3, 48], np.float32)
    for row, values in enumerate(states):
        padded[row, : len(values)] = values
        mask[row, : len(values)] = 1
    got = embed._POOLINGS[mode](tf.constant(padded), tf.constant(mask))
    np.testing.assert_allclose(got, [pool(values) for values in states], atol=1e-5)


@pytest.mark.stress
def test_the_callable_gives_vectors_and_the_signature_says_what_was_cut():
    request = {"task": "embed", "pooling": "mean", "normalize": True}
    module = text_models.load("single", **request)
    vectors = module(tf.constant(TEXTS)).numpy()
    expected = [values.mean(axis=0) for values in _states(*TEXTS)]
    expected = [vector / np.linalg.norm(vector) for vector in expected]
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    outputs = module.signatures["serving_default"](sentences=tf.constant(TEXTS))
    assert outputs["truncated"].numpy().tolist() == [False, True, False]
    np.testing.assert_allclose(outputs["default"], vectors, atol=1e-6)


@sampling.parametrize("long_texts", ["mean", "max"], sample=["mean"])
def test_long_texts_are_pooled_over_their_parts(long_texts):
    module = text_models.load("single", task="embed", pooling="mean", long_texts=long_texts)
    encoder, preprocessor = _parts()
    ids = preprocessor.tokenize([TEXTS[1]])
    parts = [ids[:, begin : begin + 46] for begin in range(0, int(ids.row_lengths()[0]), 46)]
    assert len(parts) > 2
    vectors = []
    for part in parts:
        inputs = preprocessor.bert_pack_inputs(part, seq_length=48)
        states = encoder(inputs)["sequence_output"][0]
        vectors.append(states[: int(tf.reduce_sum(inputs["input_mask"]))].numpy().mean(axis=0))
    expected = np.mean(vectors, axis=0) if long_texts == "mean" else np.max(vectors, axis=0)
    got = module(tf.constant(TEXTS)).numpy()
    np.testing.assert_allclose(got[1], expected, atol=1e-5)
    np.testing.assert_allclose(got[0], _states(TEXTS[0])[0].mean(axis=0), atol=1e-5)


def _folder(path, modules, **files):
    types = "sentence_transformers.models."
    listed = [{"path": folder, "type": types + kind} for kind, folder in modules]
    (path / "modules.json").write_text(json.dumps(listed))
    for name, content in files.items():
        file = path / name.replace("__", "/").replace("_json", ".json")
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(json.dumps(content))
    return str(path)


def test_a_folder_of_sentence_transformers_says_it_all(tmp_path):
    folder = _folder(
        tmp_path,
        [("Transformer", ""), ("Pooling", "1"), ("Normalize", "2")],
        **{"1__config_json": {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}},
        sentence_bert_config_json={"max_seq_length": 33, "do_lower_case": True},
        config_sentence_transformers_json={
            "prompts": {"query": "q: ", "document": "d: "},
            "default_prompt_name": "query",
        },
    )
    recipe = sentence_transformers.read(folder)
    assert recipe.pooling.modes == ("first", "max") and recipe.pooling.normalize
    assert (recipe.pooling.prompt, recipe.pooling.lower_case) == ("q: ", True)
    assert recipe.max_seq_length == 33
    assert "document" in recipe.notices[0]
    encoder = {"heads": [], "config": {"max_position_embeddings": 64}}
    plan = text_model_spec.Plan(text_model_spec.Request(), encoder, recipe)
    assert (plan.task, plan.length, plan.pooling) == ("embed", 33, recipe.pooling)
    mean = text_model_spec.Plan(text_model_spec.Request(pooling="mean"), encoder, recipe)
    assert mean.pooling == dataclasses.replace(recipe.pooling, modes=("mean",))
    short = {"heads": [], "config": {"max_position_embeddings": 16}}
    assert text_model_spec.Plan(text_model_spec.Request(), short, recipe).length == 16


def test_a_prompt_is_lower_cased_with_the_text():
    how = pooling.Pooling(modes=("mean",), prompt="Query: ", lower_case=True)
    prepared = embed.Embed(None, None, pooling=how)._prepared(tf.constant(["\u00c4 River"]))
    assert prepared.numpy().tolist() == ["query: \u00e4 river".encode()]
    assert text_reference.prepared("\u00c4 River", how) == "query: \u00e4 river"
    cased = dataclasses.replace(how, lower_case=False)
    assert text_reference.prepared("\u00c4 River", cased) == "Query: \u00c4 River"


@pytest.mark.parametrize(
    "config", [{"prompts": ["query"]}, {"prompts": {}, "default_prompt_name": "query"}]
)
def test_prompts_without_names_are_refused(tmp_path, config):
    folder = _folder(
        tmp_path,
        [("Transformer", ""), ("Pooling", "1")],
        **{"1__config_json": {}},
        config_sentence_transformers_json=config,
    )
    with pytest.raises(errors.CheckpointError, match="prompt"):
        sentence_transformers.read(folder)


@pytest.mark.parametrize(
    ("modules", "config", "message"),
    [
        ([("Transformer", ""), ("CNN", "1")], {}, "CNN"),
        ([("Transformer", ""), ("Pooling", "1")], {"pooling_mode": "other"}, "other"),
        ([("Transformer", ""), ("Pooling", "1")], {"include_prompt": False}, "include_prompt"),
    ],
)
def test_parts_that_a_graph_cannot_have_are_named(tmp_path, modules, config, message):
    folder = _folder(tmp_path, modules, **{"1__config_json": config})
    with pytest.raises(errors.CheckpointError, match=message):
        sentence_transformers.read(folder)
    assert sentence_transformers.read(str(tmp_path / "1")) is None


def test_one_command_gives_the_vectors_of_sentence_transformers(tmp_path):
    case = text_models.sentence_transformers_case(tmp_path / "case")
    done = processes.run(
        "export.text_model", "--checkpoint", case, "--model_name", "embedder", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    path = tmp_path / done.stdout.strip()
    # An encoder of it has no pooling.
    (notice,) = (n for n in encoder_spec.from_checkpoint(case).notices() if "its pooling" in n)
    assert notice not in done.stderr
    expected = json.loads((tmp_path / "case" / "case.json").read_text())["expected"]
    vectors = hub.load(str(path))(tf.constant(expected["sentences"])).numpy()
    np.testing.assert_allclose(vectors, expected["embeddings"], atol=1e-5)
