"""Vectors of texts agree with the NumPy model on the ids of Python's SentencePiece."""

import functools
import json
import shutil
import unicodedata

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the ops
import tf_keras

from configs import albert_config, hub_api
from export.metadata import manifest
from export.verification import contract, numpy_albert
from preprocess.vocabulary import sentencepiece_model
from tests.support import processes, sampling

TEXTS = [
    "The river rose slowly through the night.",
    "",
    "Déjà vu: the café was CLOSED!",
    "bread " * 40,  # cut at 20 tokens
]
MAX_SEQ_LENGTH = 20
ATOL, RTOL = 1e-5, 1e-5  # float32 against float64


@pytest.fixture(scope="module")
def embedder(tiny_encoder, tiny_preprocessor, tmp_path_factory):
    """Exports an embedder by the command, once for each set of options."""
    folder = tmp_path_factory.mktemp("embedders")
    made = {}

    def export(*options):
        if options not in made:
            made[options] = processes.export(
                "export.embedder",
                *("--encoder", tiny_encoder, "--preprocessor", tiny_preprocessor),
                *("--model_name", f"embedder_{len(made)}", "--max_seq_length", MAX_SEQ_LENGTH),
                *options,
                cwd=folder,
            )
        return made[options]

    return export


@pytest.fixture(scope="module")
def embed(embedder):
    """Returns the loaded embedder, loaded once for each set of options."""
    return functools.cache(lambda *options: hub.load(str(embedder(*options))))


@functools.cache
def expected(tiny_encoder, text):
    """Returns the NumPy model's outputs for one text, without padding and without a batch axis."""
    tensors = _tensors(tiny_encoder)
    model = sentencepiece_model.read(None)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.proto)
    plain = "".join(
        char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn"
    ).casefold()
    ids = [model.start_of_sequence_id, *processor.encode(plain)[: MAX_SEQ_LENGTH - 2]]
    ids = np.array([[*ids, model.end_of_segment_id]])
    inputs = {
        hub_api.INPUT_WORD_IDS: ids,
        hub_api.INPUT_MASK: np.ones_like(ids),
        hub_api.INPUT_TYPE_IDS: np.zeros_like(ids),
    }
    outputs = numpy_albert.encode(tensors, config=albert_config.load("tiny"), inputs=inputs)
    return outputs[hub_api.POOLED_OUTPUT][0], outputs[hub_api.SEQUENCE_OUTPUT][0]


@functools.cache
def _tensors(tiny_encoder):
    variables = hub.load(str(tiny_encoder)).variables
    return {v.name.removesuffix(":0"): v.numpy().astype(np.float64) for v in variables}


NORMALIZED = ("--pooling", "mean", "--normalize")
_POOLINGS = [
    ((), lambda pooled, sequence: pooled),
    (("--pooling", "first"), lambda pooled, sequence: sequence[0]),
    (("--pooling", "mean"), lambda pooled, sequence: sequence.mean(axis=0)),
    (
        NORMALIZED,
        lambda pooled, sequence: sequence.mean(axis=0) / np.linalg.norm(sequence.mean(axis=0)),
    ),
]


@sampling.parametrize(
    ("options", "pool"),
    _POOLINGS,
    sample=[_POOLINGS[0]],
    ids=["pooled", "first", "mean", "normalized"],
)
def test_vectors_are_the_oracle_s_for_each_pooling(embed, tiny_encoder, options, pool):
    vectors = embed(*options)(tf.constant(TEXTS))
    assert vectors.dtype == tf.float32
    for text, vector in zip(TEXTS, vectors.numpy(), strict=True):
        np.testing.assert_allclose(
            vector, pool(*expected(tiny_encoder, text)), atol=ATOL, rtol=RTOL
        )


def test_a_vector_does_not_depend_on_the_batch(embed):
    alone = [embed()([text]).numpy()[0] for text in TEXTS]
    np.testing.assert_allclose(embed()(TEXTS), alone, atol=ATOL, rtol=RTOL)
    assert embed()(tf.constant([], tf.string)).shape == [0, 32]


def test_the_signature_is_from_sentences_to_default(embed):
    outputs = embed().signatures["serving_default"](sentences=tf.constant(TEXTS))
    assert set(outputs) == {hub_api.DEFAULT}
    np.testing.assert_allclose(outputs[hub_api.DEFAULT], embed()(TEXTS), atol=ATOL, rtol=RTOL)


@pytest.mark.stress
def test_it_trains_end_to_end_in_a_keras_layer(embedder):
    layer = hub.KerasLayer(str(embedder()), trainable=True)
    text = tf_keras.layers.Input(shape=(), dtype=tf.string)
    score = tf_keras.layers.Dense(1, kernel_initializer="zeros")(layer(text))
    model = tf_keras.Model(text, score)
    model.compile(tf_keras.optimizers.Adam(1e-2), "mse")
    assert len(layer.trainable_variables) == 25
    before = [variable.numpy() for variable in layer.trainable_variables]
    targets = tf.constant([[0.0], [1.0], [0.0], [1.0]])
    history = model.fit(tf.constant(TEXTS), targets, epochs=10, verbose=0).history["loss"]
    assert history[0] == 0.5  # of zeros
    assert history[-1] < 0.4
    unchanged = [
        variable.name
        for variable, value in zip(layer.trainable_variables, before, strict=True)
        if np.array_equal(variable, value)
    ]
    # The softmax cancels what the key's bias adds.
    assert unchanged in ([], ["transformer/self_attention/key/bias:0"])


@pytest.mark.stress
def test_it_survives_being_saved_within_a_keras_model(embedder, tmp_path):
    text = tf_keras.layers.Input(shape=(), dtype=tf.string)
    model = tf_keras.Model(text, hub.KerasLayer(str(embedder()))(text))
    model.save(tmp_path / "model")
    done = processes.python(
        "-c",
        "import sys, tensorflow as tf, tensorflow_text\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        "print(model(tf.constant([sys.argv[2]]))[0, 0].numpy())",
        tmp_path / "model",
        TEXTS[0],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(
        float(model(tf.constant([TEXTS[0]]))[0, 0]), abs=ATOL
    )


@pytest.mark.stress
def test_it_keeps_the_contract_of_text_embeddings(embedder):
    kind, findings = contract.run(str(embedder(*NORMALIZED)))
    assert kind == manifest.EMBEDDER
    assert len(findings) == 5
    assert [finding for finding in findings if finding.problem] == []


def test_the_manifest_says_what_it_was_made_from(tiny_embedder, tiny_encoder):
    made = manifest.read(str(tiny_embedder))
    assert made["artifact"] == manifest.EMBEDDER
    assert made["pooling"] == "mean"
    assert made["made_from"]["encoder"] == manifest.read(str(tiny_encoder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--encoder is required"),
        (["--encoder", "{preprocessor}"], "--preprocessor is required"),
        (
            ["--encoder", "nowhere", "--preprocessor", "{preprocessor}"],
            "--encoder must be the folder of a SavedModel, got 'nowhere'",
        ),
        (
            ["--encoder", "{preprocessor}", "--preprocessor", "{preprocessor}"],
            "--encoder is the folder of an artifact of another kind: preprocessor",
        ),
        (
            ["--encoder", "{encoder}", "--preprocessor", "{other}"],
            "the encoder has another vocabulary",
        ),
        (
            ["--encoder", "{encoder}", "--preprocessor", "{preprocessor}", "--max_seq_length=513"],
            "max_seq_length must be at most 512",
        ),
        (
            ["--encoder", "{encoder}", "--preprocessor", "{preprocessor}"],
            "--model_name is required",
        ),
    ],
)
def test_bad_input_is_refused_before_tensorflow_is_imported(
    options, message, tiny_encoder, tiny_preprocessor, other_preprocessor, tmp_path
):
    folders = {
        "encoder": tiny_encoder,
        "preprocessor": tiny_preprocessor,
        "other": other_preprocessor,
    }
    named = [] if "--model_name" in message else ["--model_name=m"]
    done = processes.run(
        "export.embedder",
        *(option.format(**folders) for option in [*options, *named]),
        cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )
    assert message in processes.error(done)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def other_preprocessor(tiny_preprocessor, tmp_path_factory):
    """Returns a preprocessor whose manifest names another vocabulary."""
    folder = tmp_path_factory.mktemp("other_preprocessor") / "1"
    shutil.copytree(tiny_preprocessor, folder)
    path = folder / manifest.FILE
    made = json.loads(path.read_text())
    made["tokenizer"]["sha256"] = "0" * 64
    path.write_text(json.dumps(made))
    return folder
