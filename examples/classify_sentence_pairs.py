"""Fine-tunes the encoder to classify pairs of sentences, on one or all devices of all machines.

Does the reply accept the proposal? The pairs are invented; replace them by your own.

    ENCODER=exports/albert_en_large/1 PREPROCESSOR=exports/albert_en_preprocess/1 \\
        python examples/classify_sentence_pairs.py

Runs cell by cell in an editor with `# %%` cells. On a machine without GPUs, `LOGICAL_CPUS=2` makes
several devices. With `TF_CONFIG`, one process on each machine makes a worker:
docs/how-to/several-workers.md.
"""

# %% Settings
import itertools
import math
import os
import random
import sys
import tempfile

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops
import tf_keras  # hub.KerasLayer is a layer of Keras 2

ENCODER = os.environ.get("ENCODER", "exports/albert_en_large/1")
PREPROCESSOR = os.environ.get("PREPROCESSOR", "exports/albert_en_preprocess/1")
OUTPUT_DIR = os.environ.get("OUTPUT_DIR", "classifier")
# For a run that may be killed: a folder of its own, which all workers see. Empty: no backups.
BACKUP_DIR = os.environ.get("BACKUP_DIR", "")
SEQ_LENGTH = 32
try:
    EPOCHS = int(os.environ.get("EPOCHS", "3"))
    LEARNING_RATE = float(os.environ.get("LEARNING_RATE", "2e-5"))
    LOGICAL_CPUS = int(os.environ.get("LOGICAL_CPUS", "1"))
    BATCH_SIZE = int(os.environ.get("BATCH_SIZE", "32"))  # of all replicas together
    DROPOUT = float(os.environ.get("DROPOUT", "0.1"))
except ValueError as error:
    names = "EPOCHS, LEARNING_RATE, LOGICAL_CPUS, BATCH_SIZE and DROPOUT"
    sys.exit(f"error: {names} must be numbers: {error}")
SEED = 0  # the same for all workers

# %% All GPUs of all machines, or the CPUs
if LOGICAL_CPUS > 1:
    cpu = tf.config.list_physical_devices("CPU")[0]
    configurations = [tf.config.LogicalDeviceConfiguration()] * LOGICAL_CPUS
    tf.config.set_logical_device_configuration(cpu, configurations)
if "TF_CONFIG" in os.environ:
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # waits for the other workers
else:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
print(f"replicas: {strategy.num_replicas_in_sync}")
tf_keras.utils.set_random_seed(SEED)

# All workers have to save, and all but one throw it away.
is_chief = strategy.extended.should_checkpoint
thrown_away = tempfile.TemporaryDirectory()
output_dir = OUTPUT_DIR if is_chief else os.path.join(thrown_away.name, "model")
backup_dir = BACKUP_DIR if is_chief and BACKUP_DIR else os.path.join(thrown_away.name, "backup")
try:
    for folder in (output_dir, backup_dir):  # before the training, not after it
        os.makedirs(folder, exist_ok=True)
except OSError as error:
    sys.exit(f"error: OUTPUT_DIR and BACKUP_DIR must be folders to write into: {error}")

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
random.Random(SEED).shuffle(pairs)
train_pairs, test_pairs = pairs[16:], pairs[:16]

# %% The models
try:
    preprocessor = hub.load(PREPROCESSOR)
    with strategy.scope():
        encoder = hub.KerasLayer(ENCODER, trainable=True, name="encoder")
except (OSError, ValueError, tf.errors.OpError) as error:
    reason = " ".join(str(error).split())
    sys.exit(f"error: ENCODER and PREPROCESSOR must be exported models: {reason}")


# %% From pairs to the encoder's inputs: [CLS] proposal [SEP] reply [SEP]
@tf.autograph.experimental.do_not_convert
def to_inputs(proposals: tf.Tensor, replies: tf.Tensor, labels: tf.Tensor) -> tuple:
    segments = [preprocessor.tokenize(proposals), preprocessor.tokenize(replies)]
    return preprocessor.bert_pack_inputs(segments, seq_length=SEQ_LENGTH), labels


def tokenized(some_pairs: list) -> tf.data.Dataset:
    proposals, replies = zip(*some_pairs, strict=True)
    labels = [REPLIES[reply] for reply in replies]
    slices = tf.data.Dataset.from_tensor_slices((list(proposals), list(replies), labels))
    return slices.batch(BATCH_SIZE).map(to_inputs).unbatch().cache()  # once, not every epoch


def batches(examples: tf.data.Dataset) -> tf.data.Dataset:
    # Each worker takes its part of every batch: all must have the examples in one order.
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return examples.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE).with_options(options)


# %% The encoder and a linear layer
with strategy.scope():
    inputs = {
        name: tf_keras.Input(shape=[SEQ_LENGTH], dtype=tf.int32, name=name)
        for name in ("input_word_ids", "input_mask", "input_type_ids")
    }
    pooled = encoder(inputs)["pooled_output"]  # [B, H]
    dropped = tf_keras.layers.Dropout(DROPOUT)(pooled)
    logits = tf_keras.layers.Dense(2, name="logits")(dropped)  # [B, 2]
    model = tf_keras.Model(inputs, logits)
    model.compile(
        optimizer=tf_keras.optimizers.Adam(LEARNING_RATE),
        loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )

# %% Go on after the last epoch of a run that was killed
checkpoint = tf.train.Checkpoint(model=model)  # with its optimizer
backups = tf.train.CheckpointManager(checkpoint, backup_dir, max_to_keep=1)
if BACKUP_DIR and (latest := tf.train.latest_checkpoint(BACKUP_DIR)):
    checkpoint.restore(latest)
steps = math.ceil(len(train_pairs) / BATCH_SIZE)
first_epoch = int(model.optimizer.iterations.numpy()) // steps


@tf.function
def first_epochs() -> tf.Tensor:
    return tf.distribute.get_replica_context().all_gather(tf.constant([first_epoch]), axis=0)


of_workers = strategy.experimental_local_results(strategy.run(first_epochs))[0]
if len(set(of_workers.numpy())) > 1:
    sys.exit(f"error: all workers must see one BACKUP_DIR, got first epochs {of_workers.numpy()}")
if first_epoch:
    print(f"goes on after epoch {first_epoch} of {EPOCHS}")

# %% Train on some pairs, test on others
train_examples = tokenized(train_pairs)
for epoch in range(first_epoch, EPOCHS):
    # Shuffled before batching, so that the batches differ in every epoch.
    shuffled = train_examples.shuffle(len(train_pairs), seed=epoch)
    model.fit(batches(shuffled), initial_epoch=epoch, epochs=epoch + 1, verbose=2)
    if BACKUP_DIR:
        backups.save()
_, accuracy = model.evaluate(batches(tokenized(test_pairs)), verbose=0)
print(f"accuracy on {len(test_pairs)} pairs that were not trained on: {accuracy:.3f}")

# %% Save and load the fine-tuned model
model.save(output_dir)
again = tf_keras.models.load_model(output_dir)
batch, _ = next(iter(batches(tokenized(test_pairs))))
difference = tf.reduce_max(tf.abs(model(batch) - again(batch)))
print(f"largest difference of the saved model's logits: {float(difference):.1e}")
