"""ONNX Runtime, with its default: all optimisations of the graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.peers.workers import model, onnx_texts


class OnnxRuntime:
    """A session."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._tokenizer_dir = options["tokenizer"]
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = model.NUM_THREADS
        self._session = onnxruntime.InferenceSession(
            options["model"], settings, providers=["CPUExecutionProvider"]
        )

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        inputs = onnx_texts.arrays(model.cut(batch, padding))
        return lambda: self._run(inputs)

    def embed(self, texts: list[str]) -> model.Call:
        return onnx_texts.embed(self._run, tokenizer_dir=self._tokenizer_dir, texts=texts)

    def _run(self, inputs: dict[str, np.ndarray]) -> Any:
        return self._session.run(None, inputs)


make = OnnxRuntime
