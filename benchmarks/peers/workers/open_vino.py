"""OpenVINO, from the ONNX file, in a given precision."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino

from benchmarks.peers.workers import model, onnx_texts

_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVino:
    """A compiled model."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._tokenizer_dir = options["tokenizer"]
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": model.NUM_THREADS,
            "INFERENCE_PRECISION_HINT": _PRECISIONS[options["dtype"]],
        }
        self._compiled = openvino.Core().compile_model(options["model"], "CPU", settings)
        self._request = self._compiled.create_infer_request()

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        inputs = onnx_texts.arrays(model.cut(batch, padding))
        return lambda: self._run(inputs)

    def embed(self, texts: list[str]) -> model.Call:
        return onnx_texts.embed(self._run, tokenizer_dir=self._tokenizer_dir, texts=texts)

    def _run(self, inputs: dict[str, np.ndarray]) -> Any:
        outputs = self._request.infer(inputs, share_inputs=True)
        return [outputs[port] for port in self._compiled.outputs]


make = OpenVino
