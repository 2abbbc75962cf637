"""The workers of a training: one, or those in the environment variable TF_CONFIG.

    TF_CONFIG='{"cluster": {"worker": ["host1:2345", "host2:2345"]},
                "task": {"type": "worker", "index": 0}}'

Every worker reads all of the text and has the whole batch, of which each replica computes its rows.
So the batches, and a checkpoint's position in the text, are the same for any number of workers.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping

import tensorflow as tf

from configs import errors

VARIABLE = "TF_CONFIG"


def strategy(batch_size: int) -> tf.distribute.Strategy:
    """Returns `MultiWorkerMirroredStrategy` if TF_CONFIG is set, else TensorFlow's default.

    Call it before TensorFlow runs an op. It waits for the other workers.

    Raises:
      errors.ConfigError: TF_CONFIG is not valid, or the batch cannot be divided.
    """
    if not os.environ.get(VARIABLE):
        return tf.distribute.get_strategy()
    _check(os.environ[VARIABLE])
    found = tf.distribute.MultiWorkerMirroredStrategy()
    if batch_size % found.num_replicas_in_sync:
        raise errors.ConfigError(
            f"--batch_size must be a multiple of the {found.num_replicas_in_sync} replicas of all "
            f"workers, got {batch_size}"
        )
    return found


def _check(value: str) -> None:
    try:
        content = json.loads(value)
        task, workers = content["task"], content["cluster"]["worker"]
        is_valid = task["type"] == "worker" and 0 <= task["index"] < len(workers)
    except (ValueError, TypeError, KeyError):
        is_valid = False
    if not is_valid:
        raise errors.ConfigError(
            f"{VARIABLE} must have a cluster of workers and the task of one of them, as "
            '{"cluster": {"worker": ["host1:2345", "host2:2345"]}, '
            f'"task": {{"type": "worker", "index": 0}}}}; got {value}'
        )


def is_chief(of: tf.distribute.Strategy) -> bool:
    """Returns whether this process is the one that writes."""
    return of.cluster_resolver is None or of.cluster_resolver.task_id == 0


def rows(batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns the rows of a batch that this replica computes."""
    context = tf.distribute.get_replica_context()
    count = tf.shape(next(iter(batch.values())))[0] // context.num_replicas_in_sync
    first = context.replica_id_in_sync_group * count
    return {name: column[first : first + count] for name, column in batch.items()}


@contextlib.contextmanager
def together(of: tf.distribute.Strategy) -> Iterator[None]:
    """Within it all workers compute; afterwards they wait for each other.

    Raises:
      errors.InputError: another worker has ended.
    """
    if of.num_replicas_in_sync == 1:
        yield
        return
    try:
        yield
        _wait(of)
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError) as error:
        raise errors.InputError(
            "another worker has ended; start the same command again on all workers "
            f"({errors.first_line(error)})"
        ) from error


def _wait(of: tf.distribute.Strategy) -> None:
    """Returns when all workers have come here."""

    def meet() -> tf.Tensor:
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.constant(1))

    @tf.function(autograph=False)
    def meet_all() -> tf.Tensor:
        return of.reduce(tf.distribute.ReduceOp.MEAN, of.run(meet), axis=None)

    meet_all().numpy()
