"""Reusable SavedModels, TF Hub's interface, and writing them reproducibly.

Example:
    specs = hub_module.specs(("input_word_ids", ...))
    module = hub_module.HubModule(function, specs=specs, variables=[...])
    hub_module.save(module, "dir", signatures={"serving_default": module.signature(["default"])})

https://www.tensorflow.org/hub/reusable_saved_models
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import fingerprint_pb2, saved_model_pb2
from tensorflow.python.saved_model import fingerprinting_utils  # nothing public computes one again

from configs import errors, hub_api
from export.saved_models import bytecode


class HubModule(tf.train.Checkpoint):
    """A callable with `variables`, `trainable_variables` and `regularization_losses`.

    Its functions are traced while it is saved, because TensorFlow traces them then in any case.
    Until it is loaded again, it can only be saved: a call of it fails.

    It is not a `tf.Module`, whose `variables` is a property and is not saved:
    `hub.KerasLayer(trainable=True)` would then train nothing.
    """

    def __init__(
        self, function: Callable[[Any, bool], Any], *, specs: Any, variables: Sequence[tf.Variable]
    ) -> None:
        """Registers the function for `training` True and False.

        Args:
          function: takes the inputs and `training`, a Python bool.
          specs: of the inputs, a `tf.TensorSpec` or a dict of them.
          variables: those that the function reads, in the order that users see.
        """
        super().__init__()
        self._function: Callable[[Any, bool], Any] = _only_saved
        self._specs = specs
        self.variables = list(variables)
        self.trainable_variables = list(variables)
        self.regularization_losses: list[tf.Tensor] = []
        for training in (True, False):
            self.__call__.get_concrete_function(specs, training)
        self._function = function

    @tf.function(autograph=False)
    def __call__(self, inputs: Any, training: bool = False) -> Any:
        return self._function(inputs, training)

    def signature(self, outputs: Sequence[str]) -> tf.types.experimental.GenericFunction:
        """Returns an inference signature from the inputs to these outputs, by name.

        A function that returns a single tensor has one output.
        """

        @tf.function(autograph=False, input_signature=[self._specs])
        def serve(inputs: Any) -> dict[str, tf.Tensor]:
            results = self._function(inputs, False)
            if not isinstance(results, Mapping):
                results = dict.fromkeys(outputs, results)
            return {name: results[name] for name in outputs}

        return serve


def _only_saved(inputs: Any, training: bool) -> tf.Tensor:
    check = tf.debugging.Assert(False, ["save the module and load it, to call it"])
    with tf.control_dependencies([check]):
        return tf.constant(0)


def specs(names: Sequence[str], *, rank: int = 2) -> dict[str, tf.TensorSpec]:
    """Returns specs of int32 tensors by name, of that rank and any shape."""
    return {name: tf.TensorSpec([None] * rank, tf.int32, name=name) for name in names}


def embeddings_specs(size: int, *, rank: int = 2) -> dict[str, tf.TensorSpec]:
    """Returns specs of the inputs of an encoder on embeddings of that size: ids of that rank."""
    names = (hub_api.INPUT_MASK, hub_api.INPUT_TYPE_IDS)
    name = hub_api.WORD_EMBEDDINGS
    return {
        name: tf.TensorSpec([*[None] * rank, size], tf.float32, name=name),
        **specs(names, rank=rank),
    }


def save(
    root: tf.train.Checkpoint,
    directory: str,
    *,
    signatures: Mapping[str, tf.types.experimental.GenericFunction],
) -> None:
    """Saves `root`: the first save of every process gives the same bytes for the same root.

    Later saves do not, because TensorFlow numbers functions by a counter of the process.

    Raises:
      errors.DestinationError: the files cannot be written, for example because the disk is full.
    """
    try:
        with bytecode.not_written():
            tf.saved_model.save(root, directory, signatures=dict(signatures))
        _sort_functions(directory)
    except tf.errors.OpError as error:  # TensorFlow raises these, not OSError
        raise errors.DestinationError(
            f"the SavedModel cannot be written to {directory!r}: {error.message}"
        ) from error
    _make_fingerprint_reproducible(directory)


def _sort_functions(directory: str) -> None:
    """Sorts the functions of the graph by name, and replaces the fingerprint.

    `hub.load` adds them in the order of a set, which the hash seed of the process decides.
    """
    path = os.path.join(directory, "saved_model.pb")
    with open(path, "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved_model.meta_graphs:
        meta_graph.graph_def.library.function.sort(key=lambda function: function.signature.name)
    with open(path, "wb") as file:
        file.write(saved_model.SerializeToString(deterministic=True))
    fingerprinting_utils.write_fingerprint(directory)


def _make_fingerprint_reproducible(directory: str) -> None:
    """Replaces the random uuid of `fingerprint.pb` by one derived from the other fields."""
    path = os.path.join(directory, "fingerprint.pb")
    with open(path, "rb") as file:
        fingerprint = fingerprint_pb2.FingerprintDef.FromString(file.read())
    fingerprint.uuid = ""
    content = fingerprint.SerializeToString(deterministic=True)
    # A 64-bit number, as TensorFlow's own.
    fingerprint.uuid = str(int.from_bytes(hashlib.sha256(content).digest()[:8], "big"))
    with open(path, "wb") as file:
        file.write(fingerprint.SerializeToString(deterministic=True))
