"""ONNX Runtime, with all the optimisations of its graph that it has, which is its default."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.peers.workers import model, onnx_texts


def make(options: Mapping[str, str]) -> "OnnxRuntime":
    return OnnxRuntime(options["model"], tokenizer_dir=options["tokenizer"])


class OnnxRuntime:
    """A session."""

    def __init__(self, path: str, *, tokenizer_dir: str) -> None:
        self._tokenizer_dir = tokenizer_dir
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = model.NUM_THREADS
        self._session = onnxruntime.InferenceSession(
            path, settings, providers=["CPUExecutionProvider"]
        )

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        inputs = onnx_texts.arrays(model.cut(batch, padding))
        return lambda: self._run(inputs)

    def embed(self, texts: list[str]) -> model.Call:
        return onnx_texts.embed(self._run, tokenizer_dir=self._tokenizer_dir, texts=texts)

    def _run(self, inputs: dict[str, np.ndarray]) -> Any:
        return self._session.run(None, inputs)
