"""The training: steps, checkpoints, progress, and the encoder that is saved.

Example:
    training.run(settings, places, log=print)
"""

import collections
import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from configs import errors
from export.metadata import checksums, manifest
from export.saved_models import bytecode, loading
from scripts.pretraining import (
    batches,
    checkpoints,
    cluster,
    objectives,
    optimization,
    summaries,
)
from scripts.pretraining.settings import Settings

_REPORTS = 20  # lines about the whole training, or more:
_MAX_STEPS = 100  # between two lines


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """Where a training writes.

    Attributes:
      output_dir: of the trained encoder.
      checkpoint_dir: of checkpoints; None for none.
      save_every: steps between checkpoints.
      tensorboard_dir: of summaries; None for none.
    """

    output_dir: str
    checkpoint_dir: str | None
    save_every: int
    tensorboard_dir: str | None


def run(settings: Settings, places: Places, *, log: Callable[[str], None]) -> None:
    """Trains and saves an encoder.

    Raises:
      errors.InputError: the encoder lacks a head, the files have no text, or the checkpoints are
        of another run.
    """
    strategy = cluster.strategy(settings.batch_size)
    if not cluster.is_chief(strategy):
        places = dataclasses.replace(places, tensorboard_dir=None)
        log = _silent
    with strategy.scope():
        encoder = loading.load(settings.encoder)
        objective = objectives.Objective(encoder, directory=settings.encoder, sop=settings.sop)
        optimizer = optimization.make(settings)
        optimizer.build(objective.variables)
    dataset = _dataset(settings)
    iterator = iter(dataset)
    saver = checkpoints.Checkpoints(
        places.checkpoint_dir,
        variables=objective.variables,
        optimizer=optimizer,
        iterator=iterator,
    )
    restored = saver.restore()
    done = int(optimizer.iterations.numpy())
    if restored:
        log(f"continues after step {done}, from {restored}")
    step = make_step(objective, optimizer, dataset.element_spec, strategy)
    report = _Report(settings, places, log=log)
    with cluster.together(strategy):
        for number in range(done + 1, settings.num_steps + 1):
            batch = next(iterator, None)
            if batch is None:
                raise errors.InputError(f"{', '.join(settings.text_files)} has no text")
            report.add(number, step(batch))
            is_time = number % places.save_every == 0 or number == settings.num_steps
            if is_time and cluster.is_chief(strategy):
                saver.save()
        if cluster.is_chief(strategy):
            _save(encoder, source=settings.encoder, output_dir=places.output_dir)


def _silent(message: str) -> None:
    del message


def _dataset(settings: Settings) -> tf.data.Dataset:
    preprocessor = loading.load(settings.preprocessor)
    if settings.sop and not batches.has_pairs(settings, preprocessor=preprocessor):
        raise errors.InputError(
            "--sop needs documents of several lines: a sentence per line, and a blank line between "
            "documents"
        )
    return batches.masked(settings, preprocessor=preprocessor)


def make_step(
    objective: objectives.Objective,
    optimizer: Any,
    batch_spec: Any,
    strategy: tf.distribute.Strategy,
) -> Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]:
    """Returns a function that trains on a batch and returns scalars by name.

    Args:
      objective: the loss; its variables are updated.
      optimizer: of Keras 2, made in the scope of `strategy`, too.
      batch_spec: of the batches, see `batches.masked`.
      strategy: whose replicas compute, each its rows of a batch.
    """

    def replica_step(batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            results = objective(cluster.rows(batch), batch)
        gradients = tape.gradient(results[objectives.LOSS], objective.variables)
        # Norms of sparse gradients would count rows of one id apart.
        gradients = [None if one is None else tf.convert_to_tensor(one) for one in gradients]
        optimizer.apply_gradients(zip(gradients, objective.variables, strict=True))
        return results

    @tf.function(autograph=False, input_signature=[batch_spec])
    def step(batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        results = strategy.run(replica_step, args=(batch,))
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for name, value in results.items()
        }

    return step


class _Report:
    """Lines on stderr and summaries, each of the mean of some steps."""

    def __init__(self, settings: Settings, places: Places, *, log: Callable[[str], None]) -> None:
        self._every = min(max(settings.num_steps // _REPORTS, 1), _MAX_STEPS)
        self._schedule = optimization.LinearSchedule(settings)
        self._log = log
        self._writer = summaries.Writer(places.tensorboard_dir)
        self._steps: list[Mapping[str, tf.Tensor]] = []
        self._is_first = True
        self._start = time.monotonic()

    def add(self, number: int, results: Mapping[str, tf.Tensor]) -> None:
        """Adds the results of a step; reports, if it is time."""
        self._steps.append(results)
        if self._is_first and self._every > 1:
            float(results[objectives.LOSS])  # waits until the step is done
            seconds = time.monotonic() - self._start
            self._log(f"the first step took {seconds:.0f} s; a line follows every {self._every}")
        self._is_first = False
        if number % self._every:
            return
        sums: collections.Counter[str] = collections.Counter()
        for one in self._steps:
            sums.update({name: float(value) for name, value in one.items()})
        means = {name: value / len(self._steps) for name, value in sums.items()}
        # The values are there only now that the steps are done.
        rate = sums[objectives.TOKENS] / (time.monotonic() - self._start)
        parts = [f"step {number}: loss {means[objectives.LOSS]:.4f}"]
        if objectives.SOP_LOSS in means:
            parts += [
                f"mlm {means[objectives.MLM_LOSS]:.4f}",
                f"sop {means[objectives.SOP_LOSS]:.4f}",
                f"{means[objectives.SOP_ACCURACY]:.1%} of the orders right",
            ]
        self._log(", ".join([*parts, f"{rate:,.0f} tokens per second"]))
        del means[objectives.TOKENS]
        means["learning_rate"] = float(self._schedule(number - 1))
        means["tokens_per_second"] = rate
        self._writer.write(means, step=number)
        self._steps.clear()
        self._start = time.monotonic()


def _save(encoder: Any, *, source: str, output_dir: str) -> None:
    """Saves the encoder with the manifest of its source, which has the config for the exporter."""
    parent = os.path.dirname(os.path.abspath(output_dir))
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".tmp-") as folder:
        directory = os.path.join(folder, "encoder")
        with bytecode.not_written():
            tf.saved_model.save(encoder, directory, signatures=dict(encoder.signatures))
        path = os.path.join(directory, manifest.FILE)
        os.makedirs(os.path.dirname(path))
        shutil.copyfile(os.path.join(source, manifest.FILE), path)
        checksums.write(directory)
        os.rename(directory, output_dir)
