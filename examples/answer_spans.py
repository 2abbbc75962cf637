"""Answers questions by spans of a text, with byte offsets from tokens to the original text.

The texts are invented; replace them by SQuAD or your own.

    ENCODER=exports/albert_en_large/1 PREPROCESSOR=exports/albert_en_preprocess/1 \\
        python examples/answer_spans.py

The tokenizer lower-cases and strips accents, but `tokenize_with_offsets` returns the bytes of the
original text that each token covers. So answers keep their spelling.
"""

# %% Settings
import itertools
import os
import random
import sys

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops
import tf_keras  # hub.KerasLayer is a layer of Keras 2

ENCODER = os.environ.get("ENCODER", "exports/albert_en_large/1")
PREPROCESSOR = os.environ.get("PREPROCESSOR", "exports/albert_en_preprocess/1")
try:
    STEPS = int(os.environ.get("STEPS", "300"))
    LEARNING_RATE = float(os.environ.get("LEARNING_RATE", "3e-5"))
except ValueError as error:
    sys.exit(f"error: STEPS and LEARNING_RATE must be numbers: {error}")
SEQ_LENGTH = 48
BATCH_SIZE = 32

# %% Texts, questions and answers
NAMES = ["Zoë", "José", "Anna", "Bertrand", "Søren", "Mary"]
CITIES = ["Zürich", "Oslo", "São Paulo", "Kraków", "New York", "Málaga"]
JOBS = ["baker", "violin maker", "nurse", "bridge engineer", "painter"]
examples = []
for name, city, job in itertools.product(NAMES, CITIES, JOBS):
    text = f"{name} moved to {city} a year ago, and works there as a {job}."
    examples.append((f"Where does {name} live?", text, city))
    examples.append((f"What is {name}'s job?", text, job))
random.Random(0).shuffle(examples)
train, test = examples[60:], examples[:60]

# %% The models
try:
    preprocessor = hub.load(PREPROCESSOR)
    encoder = hub.KerasLayer(ENCODER, trainable=True)
except (OSError, ValueError, tf.errors.OpError) as error:
    reason = " ".join(str(error).split())
    sys.exit(f"error: ENCODER and PREPROCESSOR must be exported models: {reason}")


# %% From text to the encoder's inputs: [CLS] question [SEP] text [SEP]


def encode(questions: list, texts: list) -> tuple:
    """Returns the encoder's inputs, and the bytes of the text that each position covers.

    Returns:
      int32 [B, S] by name; int64 [B, S] first bytes, and [B, S] bytes after the last, both -1 at
      positions outside the text.
    """
    question_ids = preprocessor.tokenize(tf.constant(questions))
    text_ids, starts, limits = preprocessor.tokenize_with_offsets(tf.constant(texts))
    inputs = preprocessor.bert_pack_inputs([question_ids, text_ids], seq_length=SEQ_LENGTH)
    offsets = np.full([2, len(texts), SEQ_LENGTH], -1)
    lengths = question_ids.row_lengths().numpy()
    for row, ranges in enumerate(zip(starts.to_list(), limits.to_list(), strict=True)):
        begin = lengths[row] + 2  # after [CLS] and [SEP]
        end = begin + len(ranges[0])
        assert end < SEQ_LENGTH, "too long: increase SEQ_LENGTH, or split the text"
        offsets[:, row, begin:end] = ranges
    return inputs, *offsets


def positions(texts: list, answers: list, starts: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Returns the first and the last position of each answer, [B, 2]."""
    first = [
        text.encode().index(answer.encode()) for text, answer in zip(texts, answers, strict=True)
    ]
    limit = [byte + len(answer.encode()) for byte, answer in zip(first, answers, strict=True)]
    is_first, is_last = starts == np.c_[first], limits == np.c_[limit]
    assert is_first.any(axis=1).all() and is_last.any(axis=1).all(), "an answer cuts a token"
    return np.stack([is_first.argmax(axis=1), is_last.argmax(axis=1)], axis=1)


# %% A linear layer on the encoder, which scores the start and the end of the answer
head = tf_keras.layers.Dense(2)
optimizer = tf_keras.optimizers.Adam(LEARNING_RATE)


def span_logits(inputs: dict, starts: tf.Tensor, training: bool) -> tf.Tensor:
    """Returns the logits of start and end, float32 [B, 2, S], -1e9 outside the text."""
    logits = head(encoder(inputs, training=training)["sequence_output"])  # [B, S, 2]
    logits = tf.where(starts[:, :, tf.newaxis] < 0, -1e9, logits)
    return tf.transpose(logits, [0, 2, 1])


@tf.function
def train_step(inputs: dict, starts: tf.Tensor, spans: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        logits = span_logits(inputs, starts, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(spans, logits)  # [B, 2]
        loss = tf.reduce_mean(losses)
    variables = encoder.trainable_variables + head.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    return loss


# %% Train
questions, texts, answers = map(list, zip(*train, strict=True))
inputs, starts, limits = encode(questions, texts)
spans = positions(texts, answers, starts, limits)
data = tf.data.Dataset.from_tensor_slices((inputs, starts, spans))
data = data.shuffle(len(train), seed=0).repeat().batch(BATCH_SIZE).take(STEPS)
for step, batch in enumerate(data):
    loss = train_step(*batch)
    if step % max(STEPS // 30, 1) == 0:
        print(f"step {step}: loss {loss:.3f}")


# %% Answer
def answer(questions: list, texts: list) -> list:
    """Returns the likeliest span of each text, in its original spelling."""
    inputs, starts, limits = encode(questions, texts)
    first, last = tf.unstack(span_logits(inputs, tf.constant(starts), training=False), axis=1)
    scores = first[:, :, tf.newaxis] + last[:, tf.newaxis, :]  # [B, S, S]
    ends_before = np.tril(np.ones([SEQ_LENGTH, SEQ_LENGTH], bool), -1)
    scores = tf.where(ends_before, -np.inf, scores)
    best = tf.argmax(tf.reshape(scores, [len(texts), -1]), axis=1).numpy()
    return [
        text.encode()[starts[row, span // SEQ_LENGTH] : limits[row, span % SEQ_LENGTH]].decode()
        for row, (text, span) in enumerate(zip(texts, best, strict=True))
    ]


questions, texts, expected = map(list, zip(*test, strict=True))
found = answer(questions, texts)
for question, one in list(zip(questions, found, strict=True))[:5]:
    print(f"{question} {one}")
accuracy = np.mean([one == other for one, other in zip(found, expected, strict=True)])
print(f"right answers to {len(test)} questions that were not trained on: {accuracy:.3f}")
