"""Objects in the form that TF Hub's users load, and writing them reproducibly.

Example:
    specs = saved_model.specs(("input_word_ids", ...))
    module = saved_model.HubModule(function, specs=specs, variables=[...])
    saved_model.save(module, "dir", signatures={"serving_default": module.signature(["default"])})

https://www.tensorflow.org/hub/reusable_saved_models
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import fingerprint_pb2

from configs import errors


class HubModule(tf.train.Checkpoint):
    """A callable with `variables`, `trainable_variables` and `regularization_losses`.

    A `tf.train.Checkpoint`, not a `tf.Module`: there `variables` is a property, which does not
    survive saving, and `hub.KerasLayer(trainable=True)` would then train nothing.
    """

    def __init__(
        self,
        function: Callable[[Any, bool], Any],
        *,
        specs: Any,
        variables: Sequence[tf.Variable],
    ) -> None:
        """Traces the function for `training` True and False.

        Args:
          function: takes the inputs and `training`, a Python bool.
          specs: of the inputs, a `tf.TensorSpec` or a dict of them.
          variables: what the function reads, in the order that users see.
        """
        super().__init__()
        self._function = function
        self._specs = specs
        self.variables = list(variables)
        self.trainable_variables = list(variables)
        self.regularization_losses: list[tf.Tensor] = []
        for training in (True, False):
            self.__call__.get_concrete_function(specs, training)

    @tf.function(autograph=False)
    def __call__(self, inputs: Any, training: bool = False) -> Any:
        return self._function(inputs, training)

    def signature(self, outputs: Sequence[str]) -> tf.types.experimental.ConcreteFunction:
        """Returns an inference signature with these outputs and the module's inputs, by name.

        A function that returns one tensor has one output.
        """

        @tf.function(autograph=False)
        def serve(inputs: Any) -> dict[str, tf.Tensor]:
            results = self._function(inputs, False)
            if not isinstance(results, Mapping):
                results = dict.fromkeys(outputs, results)
            return {name: results[name] for name in outputs}

        return serve.get_concrete_function(self._specs)


def specs(names: Sequence[str]) -> dict[str, tf.TensorSpec]:
    """Returns specs of int32 [None, None] tensors by name."""
    return {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in names}


def save(
    root: tf.train.Checkpoint,
    directory: str,
    *,
    signatures: Mapping[str, tf.types.experimental.ConcreteFunction],
) -> None:
    """Saves `root` so that the same root gives the same bytes in every process.

    Only the first save of a process does: TensorFlow numbers functions from a global counter.

    Raises:
      errors.DestinationError: the files cannot be written: a full disk, a folder that went away.
    """
    try:
        tf.saved_model.save(root, directory, signatures=dict(signatures))
    except tf.errors.OpError as error:  # TensorFlow's files raise these, not OSError
        raise errors.DestinationError(
            f"the SavedModel cannot be written to {directory!r}: {error.message}"
        ) from error
    _make_fingerprint_reproducible(directory)


def _make_fingerprint_reproducible(directory: str) -> None:
    """Replaces the random uuid of `fingerprint.pb` by one derived from the other fields."""
    path = os.path.join(directory, "fingerprint.pb")
    with open(path, "rb") as file:
        fingerprint = fingerprint_pb2.FingerprintDef.FromString(file.read())
    fingerprint.uuid = ""
    content = fingerprint.SerializeToString(deterministic=True)
    # As many decimal digits as TensorFlow's own at most: a 64-bit number.
    fingerprint.uuid = str(int.from_bytes(hashlib.sha256(content).digest()[:8], "big"))
    with open(path, "wb") as file:
        file.write(fingerprint.SerializeToString(deterministic=True))
