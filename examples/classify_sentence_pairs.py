"""Fine-tunes the encoder to classify pairs of sentences, on one or all devices.

Does the reply accept the proposal? The pairs are invented; replace them by your own.

    ENCODER=exports/albert_en_large/1 PREPROCESSOR=exports/albert_en_preprocess/1 \\
        python examples/classify_sentence_pairs.py

Runs cell by cell in an editor with `# %%` cells. On a machine without GPUs, `LOGICAL_CPUS=2` makes
several devices.
"""

# %% Settings
import itertools
import os
import random

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops
import tf_keras  # hub.KerasLayer is a layer of Keras 2

ENCODER = os.environ.get("ENCODER", "exports/albert_en_large/1")
PREPROCESSOR = os.environ.get("PREPROCESSOR", "exports/albert_en_preprocess/1")
OUTPUT_DIR = os.environ.get("OUTPUT_DIR", "classifier")
EPOCHS = int(os.environ.get("EPOCHS", "3"))
LEARNING_RATE = float(os.environ.get("LEARNING_RATE", "2e-5"))
LOGICAL_CPUS = int(os.environ.get("LOGICAL_CPUS", "1"))
SEQ_LENGTH = 32
BATCH_SIZE = int(os.environ.get("BATCH_SIZE", "32"))

# %% All GPUs, or the CPU
if LOGICAL_CPUS > 1:
    cpu = tf.config.list_physical_devices("CPU")[0]
    configurations = [tf.config.LogicalDeviceConfiguration()] * LOGICAL_CPUS
    tf.config.set_logical_device_configuration(cpu, configurations)
devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
print(f"replicas: {strategy.num_replicas_in_sync}")

# %% Pairs of sentences with labels: 1 if the reply accepts the proposal
PROPOSALS = [
    "Shall we walk to the lake?",
    "Would you like a cup of tea?",
    "Let us meet at the station at noon.",
    "We could paint the kitchen this weekend.",
    "Do you want to see the new film?",
    "How about dinner at our place?",
    "Could you help me carry this table?",
    "Will you join us for the concert?",
    "Let us plant an apple tree.",
    "May I show you the garden?",
]
REPLIES = {
    "Yes, with pleasure.": 1,
    "Of course, gladly.": 1,
    "That sounds wonderful.": 1,
    "Good idea, I am coming.": 1,
    "Sorry, I have no time.": 0,
    "No, I would rather not.": 0,
    "I am afraid I cannot.": 0,
    "Not today, thank you.": 0,
}
pairs = list(itertools.product(PROPOSALS, REPLIES))
random.Random(0).shuffle(pairs)
train_pairs, test_pairs = pairs[16:], pairs[:16]

# %% From pairs to the encoder's inputs: [CLS] proposal [SEP] reply [SEP]
preprocessor = hub.load(PREPROCESSOR)


@tf.autograph.experimental.do_not_convert
def to_inputs(proposals: tf.Tensor, replies: tf.Tensor, labels: tf.Tensor) -> tuple:
    segments = [preprocessor.tokenize(proposals), preprocessor.tokenize(replies)]
    return preprocessor.bert_pack_inputs(segments, seq_length=SEQ_LENGTH), labels


def dataset(some_pairs: list, shuffled: bool = False) -> tf.data.Dataset:
    proposals, replies = zip(*some_pairs, strict=True)
    labels = [REPLIES[reply] for reply in replies]
    slices = tf.data.Dataset.from_tensor_slices((list(proposals), list(replies), labels))
    tokenized = slices.batch(BATCH_SIZE).map(to_inputs).unbatch().cache()  # once, not every epoch
    if shuffled:  # before batching, so that the batches differ in every epoch
        tokenized = tokenized.shuffle(len(labels))
    return tokenized.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)


# %% The model: the encoder and a linear layer
with strategy.scope():
    inputs = {
        name: tf_keras.Input(shape=[SEQ_LENGTH], dtype=tf.int32, name=name)
        for name in ("input_word_ids", "input_mask", "input_type_ids")
    }
    encoder = hub.KerasLayer(ENCODER, trainable=True, name="encoder")
    pooled = encoder(inputs)["pooled_output"]  # [B, H]
    logits = tf_keras.layers.Dense(2, name="logits")(tf_keras.layers.Dropout(0.1)(pooled))  # [B, 2]
    model = tf_keras.Model(inputs, logits)
    model.compile(
        optimizer=tf_keras.optimizers.Adam(LEARNING_RATE),
        loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )

# %% Train on some pairs, test on others
model.fit(dataset(train_pairs, shuffled=True), epochs=EPOCHS, verbose=2)
_, accuracy = model.evaluate(dataset(test_pairs), verbose=0)
print(f"accuracy on {len(test_pairs)} pairs that were not trained on: {accuracy:.3f}")

# %% Save and load the fine-tuned model
model.save(OUTPUT_DIR)
again = tf_keras.models.load_model(OUTPUT_DIR)
batch, _ = next(iter(dataset(test_pairs)))
difference = tf.reduce_max(tf.abs(model(batch) - again(batch)))
print(f"largest difference of the saved model's logits: {float(difference):.1e}")
