"""Measures the peak memory and the time of training steps of exported encoders.

    python -m benchmarks.training_memory --encoder exports/plain/1 --encoder exports/recompute/1

A step is one of masked language modeling: Adam, full rows, 20 predictions a row. The encoders take
turns, each in a new process, because a process never gives its peak back.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import statistics
import subprocess
import sys
from collections.abc import Sequence

from absl import flags

from benchmarks import machine
from export.cli import runner
from export.publishing import subprocesses

_ENCODER = flags.DEFINE_multi_string(
    "encoder", None, "Folder of an exported encoder with `.mlm`. Repeatable.", required=True
)
_CALLABLE = flags.DEFINE_enum("callable", "mlm", ["mlm", "unpadded.mlm"], "What is trained.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Rows of a batch.", lower_bound=1)
_SEQ_LENGTH = flags.DEFINE_integer("seq_length", 128, "Tokens of a row.", lower_bound=20)
_STEPS = flags.DEFINE_integer(
    "steps", 3, "Steps of a process; the first is not timed.", lower_bound=2
)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Processes of each encoder.", lower_bound=1)

# Prints the memory when loaded, the peak, and CPU time and time of the fastest later step.
_PROCESS = """
import operator, resource, sys, time
import numpy as np, tensorflow as tf, tf_keras
directory, path, batch_size, seq_length, steps = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
generator = np.random.default_rng(0)
shape, num_predictions = (batch_size, seq_length), 20
call = operator.attrgetter(path)(tf.saved_model.load(directory))
vocab_size = max(v.shape[0] for v in call.trainable_variables if v.shape.rank == 2)
arrays = {
    "input_word_ids": generator.integers(5, vocab_size, shape),
    "input_mask": np.ones(shape),
    "input_type_ids": np.zeros(shape),
    "masked_lm_positions": np.argsort(generator.random(shape))[:, :num_predictions],
}
inputs = {name: tf.constant(array, tf.int32) for name, array in arrays.items()}
labels = tf.constant(generator.integers(5, vocab_size, (batch_size, num_predictions)))
optimizer = tf_keras.optimizers.Adam(1e-5)
optimizer.build(call.trainable_variables)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
@tf.function
def step():
    with tf.GradientTape() as tape:
        logits = call(inputs, training=True)["mlm_logits"]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, call.trainable_variables)
    optimizer.apply_gradients(zip(gradients, call.trainable_variables))
    return loss
def seconds():
    before = time.process_time(), time.perf_counter()
    step().numpy()
    return time.process_time() - before[0], time.perf_counter() - before[1]
loaded = peak()
seconds()
later = [seconds() for _ in range(steps - 1)]
print(loaded, peak(), *map(min, zip(*later)))
"""


def main() -> None:
    print(machine.description())
    runs: list[list[Sequence[float]]] = [[] for _ in _ENCODER.value]
    for number in range(_ROUNDS.value):
        for encoder, of_encoder in zip(_ENCODER.value, runs, strict=True):
            of_encoder.append(_run(encoder))
            loaded, peak, cpu, spent = of_encoder[-1]
            print(
                f"round {number + 1}  {encoder}  loaded {loaded / 1e9:.2f} GB  "
                f"peak {peak / 1e9:.2f} GB  CPU time {cpu:.2f} s  time {spent:.2f} s",
                flush=True,
            )
    print("ratios to the first, medians of the rounds: peak, CPU time, time")
    for encoder, of_encoder in zip(_ENCODER.value, runs, strict=True):
        ratios = [
            statistics.median(
                mine[i] / first[i] for mine, first in zip(of_encoder, runs[0], strict=True)
            )
            for i in (1, 2, 3)
        ]
        print(encoder, *(f"{ratio:.2f}" for ratio in ratios))


def _run(encoder: str) -> Sequence[float]:
    """Returns bytes when loaded, bytes at the peak, CPU time and time of a step."""
    sizes = (_BATCH_SIZE.value, _SEQ_LENGTH.value, _STEPS.value)
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS, encoder, _CALLABLE.value, *map(str, sizes)],
        env=subprocesses.environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]


if __name__ == "__main__":
    runner.run(main)
