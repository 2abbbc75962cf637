"""The memory that a training step needs."""

import pytest

from tests.support import processes, sampling

KERNEL_BYTES = 4 * (4 * 1024 * 1024 + 2 * 1024 * 4096)  # of a layer

# Prints by how much the peak of the process grows in the step.
STEP = """
import operator, resource, sys
import tensorflow as tf, tensorflow_hub as hub
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
encoder = hub.load(sys.argv[1])
names = "input_word_ids", "input_mask", "input_type_ids"
inputs = dict.fromkeys(names, tf.ones([1, 4], tf.int32))
call = operator.attrgetter(sys.argv[2])(encoder)
before = peak()
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(call(inputs, training=True)["pooled_output"])
tape.gradient(loss, encoder.trainable_variables)
print(peak() - before)
"""


@pytest.mark.large
@sampling.parametrize("path", ["__call__", "unpadded"], sample=["__call__"])
@pytest.mark.stress
def test_the_gradients_of_all_layers_are_not_kept_until_the_last(path, tmp_path):
    directory = processes.exported("export.encoder", "--config", "large", "--nomlm")
    done = processes.python("-c", STEP, directory, path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # The activations of four tokens are little beside the kernels of 24 layers.
    assert int(done.stdout) < 20 * KERNEL_BYTES


# Prints by how much the peak grows in a step in a `tf.function`, on full rows.
FULL_ROWS = """
import resource, sys
import tensorflow as tf, tensorflow_hub as hub
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
encoder = hub.load(sys.argv[1])
names = "input_word_ids", "input_mask", "input_type_ids"
inputs = dict.fromkeys(names, tf.ones([4, 128], tf.int32))
@tf.function
def step():
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(inputs, training=True)["pooled_output"])
    return tape.gradient(loss, encoder.trainable_variables)
before = peak()
step()
print(peak() - before)
"""


@pytest.mark.large
@pytest.mark.stress
def test_recomputation_keeps_the_activations_of_one_layer(tmp_path):
    grown = []
    for flags in ((), ("--recompute",)):
        directory = processes.exported("export.encoder", "--config", "base", "--nomlm", *flags)
        done = processes.python("-c", FULL_ROWS, directory, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        grown.append(int(done.stdout))
    # 0.83 and 0.39 GB were seen. Gradients, code and the trace of the graph are in both.
    assert grown[1] < 0.65 * grown[0]
