"""OpenVINO, in a given precision."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import openvino

from benchmarks.peers.workers import model, onnx_inputs

# int8 is a form of the weights; what is not a product of them is computed in float32.
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}


class OpenVino:
    """A compiled model, and on first use that of `unpadded`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options
        self._request = self._compile(options["model"])
        self._names = [port.any_name for port in self._request.model_inputs]

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        request = self._unpadded if padding == model.UNPADDED else self._request
        inputs = onnx_inputs.arrays(model.cut(batch, padding), self._names)
        return lambda: _run(request, inputs)

    def embed(self, texts: list[str]) -> model.Call:
        if "tokenizer" not in self._options:
            return self._of_texts("embedder", [texts])
        return onnx_inputs.embed(
            lambda inputs: _run(self._request, inputs),
            names=self._names,
            tokenizer_dir=self._options["tokenizer"],
            texts=texts,
        )

    def classify(self, texts: list[str]) -> model.Call:
        return self._of_texts("classifier", model.in_batches(texts))

    def _of_texts(self, option: str, batches: list[list[str]]) -> model.Call:
        """Returns a function that gives batches of texts to a file that tokenizes."""
        import openvino_tokenizers  # noqa: F401, adds its operators

        request = self._compile(self._options[option])
        arrays = [{"sentences": np.array(batch)} for batch in batches]
        return lambda: [_run(request, inputs) for inputs in arrays]

    @cached_property
    def _unpadded(self) -> Any:
        return self._compile(self._options["unpadded"])

    def _compile(self, path: str) -> Any:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": model.NUM_THREADS,
            "INFERENCE_PRECISION_HINT": _PRECISIONS[self._options["dtype"]],
        }
        return openvino.Core().compile_model(path, "CPU", settings).create_infer_request()


make = OpenVino


def _run(request: Any, inputs: Mapping[str, Any]) -> list[Any]:
    outputs = request.infer(inputs, share_inputs=True)
    return [outputs[port] for port in request.model_outputs]
