"""Answers texts over HTTP without Docker: KServe, with `:predict` of TensorFlow Serving's API.

    python -m export.text_model --checkpoint my_classifier --model_name my_classifier_text
    pip install -e '.[kserve]'
    MODEL_DIR=exports/my_classifier_text/1 python examples/http_server.py
    curl -d '{"instances": ["A fine film.", "A waste of time."]}' \\
        http://localhost:8501/v1/models/my_classifier_text:predict

Any SavedModel with signatures is served, under the name of its folder or `MODEL`: text models,
embedders, encoders. `PORT` is 8501 by default. `GET /v2/health/ready` says whether it answers, and
`/metrics` counts for Prometheus. On SIGTERM it answers what it was asked, and ends.
`"signature_name"` chooses a signature; where one has several inputs or outputs, an instance or a
prediction is an object by name.
"""

# %% Settings
import asyncio
import json
import os
import pathlib
import socket
import sys

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the ops of text models

try:
    import kserve
    from kserve.errors import InvalidInput
except ImportError as error:
    sys.exit(f"error: {error}: pip install -e '.[kserve]'")

MODEL_DIR = os.environ.get("MODEL_DIR", "exports/embedder/1")
MODEL = os.environ.get("MODEL", pathlib.Path(MODEL_DIR).resolve().parent.name)
PORT = os.environ.get("PORT", "8501")  # TensorFlow Serving's
LONGEST_REASON = 300  # characters


# %% Instances in rows, as https://www.tensorflow.org/tfx/serving/api_rest has them
def tensors(signature, instances: list) -> dict:
    """Returns the inputs of a signature. An instance is the value of the only input, or has names.

    Raises:
      ValueError, TypeError: the instances do not fit the signature.
    """
    if not isinstance(instances, list) or not instances:
        raise ValueError("the request needs instances, a list of at least one")
    specs = signature.structured_input_signature[1]
    if len(specs) == 1:
        (only,) = specs
        instances = [row if isinstance(row, dict) else {only: row} for row in instances]
    for row in instances:
        if not isinstance(row, dict) or row.keys() != specs.keys():
            raise ValueError(f"an instance needs {', '.join(sorted(specs))}, got {row!r:.60}")
    return {
        name: tensor(name, [row[name] for row in instances], spec)
        for name, spec in sorted(specs.items())
    }


def tensor(name: str, values: list, spec: tf.TensorSpec) -> tf.Tensor:
    """Returns texts, or numbers of the signature's type. TensorFlow alone would wrap large ones."""
    if spec.dtype == tf.string:
        if not all(isinstance(one, str) for one in values):
            raise ValueError(f"{name} must be texts")
        return tf.constant(values)
    array = np.array(values)
    limits = np.iinfo(spec.dtype.as_numpy_dtype)  # the only numbers that signatures take are ids
    if array.dtype.kind != "i" or array.min() < limits.min or array.max() > limits.max:
        raise ValueError(f"{name} must be numbers of type {spec.dtype.name}")
    if not spec.shape.is_compatible_with(array.shape):
        raise ValueError(f"{name} must be {spec.shape}, got {array.shape}")
    return tf.constant(array, spec.dtype)


def decoded(value):
    """Returns the value with its strings as text, in lists of any depth."""
    if isinstance(value, list):
        return [decoded(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


def predictions(signature, instances: list) -> list:
    """Returns for each instance the outputs by name, or the value where there is only one.

    Raises:
      ValueError, TypeError, tf.errors.OpError: the instances do not fit the signature.
    """
    columns = {
        name: decoded(output.numpy().tolist())
        for name, output in signature(**tensors(signature, instances)).items()
    }
    if {len(column) for column in columns.values()} != {len(instances)}:
        raise ValueError("the outputs of this signature are not one for each instance")
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


# %% The model
class SavedModel(kserve.Model):
    """A SavedModel behind KServe's version 1 protocol, which is that of TensorFlow Serving."""

    def __init__(self, name: str, directory: str) -> None:
        super().__init__(name)
        self._model = hub.load(directory)
        if not getattr(self._model, "signatures", None):
            raise ValueError(f"{directory} has no signatures")
        self.ready = True

    async def predict(self, payload, headers=None, response_headers=None) -> dict:
        """Answers in another thread, so that the server goes on meanwhile."""
        try:
            # curl -d does not say that it sends JSON, and KServe then leaves it as it came.
            request = json.loads(payload) if isinstance(payload, bytes) else payload
            if not isinstance(request, dict):
                raise ValueError("the request must be an object")
            name = str(request.get("signature_name", "serving_default"))
            if name not in self._model.signatures:
                raise ValueError(f"signature_name must be of {sorted(self._model.signatures)}")
            if name == "entities":
                raise ValueError("entities has a row for each entity, not for each instance")
            signature, instances = self._model.signatures[name], request.get("instances")
            return {"predictions": await asyncio.to_thread(predictions, signature, instances)}
        except json.JSONDecodeError as error:
            raise InvalidInput(f"the request is not JSON: {error}") from None
        except (RecursionError, TypeError, ValueError, tf.errors.OpError) as error:
            raise InvalidInput(" ".join(str(error).split())[:LONGEST_REASON]) from None


# %% The server
if __name__ == "__main__":
    try:
        socket.create_server(("", int(PORT))).close()
    except (ValueError, OverflowError, OSError) as error:
        sys.exit(f"error: PORT must be the number of a free port: {error}")
    try:
        model = SavedModel(MODEL, MODEL_DIR)
    except (OSError, ValueError, tf.errors.OpError) as error:
        sys.exit(f"error: MODEL_DIR must be a SavedModel: {' '.join(str(error).split())}")
    kserve.ModelServer(http_port=int(PORT), enable_grpc=False).start([model])
