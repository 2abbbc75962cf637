"""`tf.distribute.ParameterServerStrategy`, `hub.KerasLayer` and `fit`.

The cluster is in one process: two workers, and a server on which all variables are.
"""

import tensorflow as tf

from benchmarks.portability import parts
from benchmarks.portability.consumers import hub_load, keras_layer, two_workers

_ps, *_workers = two_workers.free_addresses(3)
_cluster = tf.train.ClusterSpec({"ps": [_ps], "worker": _workers})
_servers = [
    tf.distribute.Server(_cluster, job_name=job, task_index=index)
    for job, index in (("ps", 0), ("worker", 0), ("worker", 1))
]
strategy = tf.distribute.ParameterServerStrategy(
    tf.distribute.cluster_resolver.SimpleClusterResolver(_cluster, rpc_layer="grpc")
)


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with strategy.scope():
        layer, model = keras_layer.compiled(folder, part, model_class=keras_layer.keras.Model)
    dataset = tf.data.Dataset.from_tensor_slices((hub_load.inputs(part), part.target))
    # One step in an epoch, because workers do not wait for each other's steps.
    batches = dataset.batch(parts.B).repeat()
    model.fit(batches, epochs=parts.STEPS, steps_per_epoch=1, verbose=0)
    return parts.trained({variable.name: variable.numpy() for variable in layer.variables})
