"""A signature converted by tensorflowjs and run by TensorFlow.js in Node, in plain JavaScript."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflowjs.converters import tf_saved_model_conversion_v2

from benchmarks.portability import parts

_PROGRAM = os.path.join(os.path.dirname(__file__), "tensorflow_js.cjs")
_NODE_MODULES = os.path.join(sys.prefix, "node_modules")


def run(folder: str, part: parts.Part, *, backend: str = "cpu") -> parts.Arrays:
    node = shutil.which("node")
    if not node or not os.path.isdir(_NODE_MODULES):
        raise RuntimeError("node and npm are not on PATH (Debian: nodejs, npm)")
    with tempfile.TemporaryDirectory() as work:
        tf_saved_model_conversion_v2.convert_tf_saved_model(
            part.directory(folder), work, signature_def=part.signature, strip_debug_ops=True
        )
        request = {
            "directory": work,
            "backend": backend,
            "inputs": {name: _as_json(array) for name, array in part.arrays().items()},
            "outputs": _outputs(folder, part),
        }
        done = subprocess.run(
            [node, _PROGRAM, _NODE_MODULES],
            input=json.dumps(request),
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return {
        name: np.array(found["data"], np.float32).reshape(found["shape"])
        for name, found in json.loads(done.stdout).items()
    }


def _as_json(array: np.ndarray) -> dict[str, Any]:
    return {"shape": array.shape, "data": array.ravel().tolist()}


def _outputs(folder: str, part: parts.Part) -> dict[str, str]:
    """Returns the graph's tensors by the names of the outputs, which the converter mixes up.

    TensorFlow calls the outputs of a function `Identity`, `Identity_1` etc., sorted by name.
    """
    signature = tf.saved_model.load(part.directory(folder)).signatures[part.signature]
    names = sorted(signature.structured_outputs)
    return {name: f"Identity_{i}:0" if i else "Identity:0" for i, name in enumerate(names)}
