"""The consumers, with the environments and parts to try them on and their tolerances.

Example:
    matrix.measure(matrix.CONSUMERS[0], python=sys.executable, folder="build/portability")
"""

import dataclasses
import json
import os
import subprocess
from collections.abc import Mapping

from benchmarks.portability import parts
from export.publishing import subprocesses

# This interpreter, with the pinned TensorFlow.
PINNED = "pinned"
_VERSIONS = ("tf2.13", "tf2.15", "tf2.17", "tf2.19", PINNED)
_ALL = tuple(parts.PARTS)
_TRAINED = tuple(name for name, part in parts.PARTS.items() if part.is_trained)
_SIGNATURES = tuple(name for name, part in parts.PARTS.items() if part.signature)

# Outputs and trained weights are of order 1. Consumers add numbers in another order.
_LIMIT = 1e-5
# Converted models have other kernels, with other approximations of tanh and exp.
_CONVERTED_LIMIT = 1e-4
# Random errors of a rounding to bfloat16 after every operation of the NumPy model move its outputs
# by 0.0165, root mean square, and single ones by up to 0.11.
_BFLOAT16_LIMIT = 0.15


@dataclasses.dataclass(frozen=True, kw_only=True)
class Consumer:
    """A way of loading the artifacts.

    Attributes:
      title: its name in the table.
      module: in `benchmarks.portability.consumers`; its `run(folder, part)` returns arrays by name.
      parts: names of the parts to load.
      environments: keys of `environments.ENVIRONMENTS`, or `PINNED`.
      float32_limit: largest difference from the reference.
      faults: why the consumer computes something else, by part.
    """

    title: str
    module: str
    parts: tuple[str, ...]
    environments: tuple[str, ...] = (PINNED,)
    float32_limit: float = _LIMIT
    faults: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def limit(self, part: str) -> float:
        """Returns the largest difference allowed for a part."""
        return _BFLOAT16_LIMIT if parts.is_bfloat16(part) else self.float32_limit


CONSUMERS = (
    Consumer(title="`hub.load`", module="hub_load", parts=_ALL, environments=_VERSIONS),
    Consumer(
        title="`hub.KerasLayer`, `fit` under a persistent tape",
        module="keras_layer",
        parts=_TRAINED,
        environments=_VERSIONS,
    ),
    Consumer(title="signatures", module="signatures", parts=_SIGNATURES, environments=_VERSIONS),
    Consumer(title="Keras 3 (`export.keras3`), `fit`", module="keras_3", parts=_ALL),
    Consumer(
        title="`MirroredStrategy`, `hub.KerasLayer`, `fit`",
        module="mirrored_strategy",
        parts=_TRAINED,
    ),
    Consumer(title="`MirroredStrategy`, Keras 3, `fit`", module="keras_3_mirrored", parts=_TRAINED),
    Consumer(
        title="`MultiWorkerMirroredStrategy`, `hub.KerasLayer`, `fit`",
        module="multi_worker",
        parts=_TRAINED,
    ),
    Consumer(
        title="`MultiWorkerMirroredStrategy`, `hub.KerasLayer`, own loop",
        module="multi_worker_loop",
        parts=_TRAINED,
    ),
    Consumer(
        title="`MultiWorkerMirroredStrategy`, Keras 3, `fit`",
        module="keras_3_multi_worker",
        parts=_TRAINED,
    ),
    Consumer(
        title="`MultiWorkerMirroredStrategy`, Keras 3, own loop",
        module="keras_3_multi_worker_loop",
        parts=_TRAINED,
    ),
    Consumer(
        title="`ParameterServerStrategy`, `hub.KerasLayer`, `fit`",
        module="parameter_server",
        parts=_TRAINED,
    ),
    Consumer(title="XLA", module="xla", parts=_ALL),
    Consumer(title="XLA, training", module="xla_training", parts=_TRAINED),
    Consumer(title="`tf.compat.v1` session", module="session", parts=_SIGNATURES),
    Consumer(title="`saved_model_cli`", module="saved_model_cli", parts=_SIGNATURES),
    Consumer(title="LiteRT", module="lite_rt", parts=_SIGNATURES, float32_limit=_CONVERTED_LIMIT),
    Consumer(
        title="ONNX Runtime (tf2onnx)",
        module="onnx_runtime",
        parts=_SIGNATURES,
        environments=("onnx",),
        float32_limit=_CONVERTED_LIMIT,
    ),
    Consumer(
        title="OpenVINO, from the SavedModel",
        module="open_vino",
        parts=tuple(n for n in _SIGNATURES if parts.PARTS[n].signature == "serving_default"),
        environments=("openvino",),
        float32_limit=_CONVERTED_LIMIT,
    ),
    Consumer(
        title="TensorFlow.js, plain JavaScript",
        module="tensorflow_js",
        parts=_SIGNATURES,
        environments=("tensorflow_js",),
        float32_limit=_CONVERTED_LIMIT,
    ),
    Consumer(
        title="TensorFlow.js, WebAssembly",
        module="tensorflow_js_wasm",
        parts=_SIGNATURES,
        environments=("tensorflow_js",),
        float32_limit=_CONVERTED_LIMIT,
        # https://github.com/tensorflow/tfjs/issues/8658
        faults={
            ".mlm": "WebAssembly takes other positions in batches (tensorflow/tfjs issue 8658)"
        },
    ),
)


def measure(consumer: Consumer, *, python: str, folder: str) -> dict:
    """Runs a consumer in a process of its own and returns the output of `run_consumer`.

    Args:
      consumer: the consumer.
      python: interpreter of the environment.
      folder: the folder of the artifacts and references.
    """
    program = "benchmarks.portability.run_consumer"
    environment = subprocesses.environment()
    environment.pop("TF_USE_LEGACY_KERAS", None)  # each TensorFlow uses its default Keras
    done = subprocess.run(
        [python, "-m", program, consumer.module, folder, *consumer.parts],
        env=environment,
        capture_output=True,
        text=True,
    )
    log = os.path.join(folder, "logs", f"{consumer.module}.log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        file.write(done.stderr)
    if done.returncode == 0:
        found = json.loads(done.stdout)
        for part, reason in consumer.faults.items():
            if found["parts"][part].get("difference", 0.0) > consumer.limit(part):
                found["parts"][part] = {"error": f"wrong: {reason}"}
        return found
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return {"versions": {}, "parts": {name: {"error": last} for name in consumer.parts}}
