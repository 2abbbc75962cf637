"""ONNX Runtime, with its default: all optimisations of the graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.peers.workers import model, onnx_inputs


class OnnxRuntime:
    """A session, and on first use those of the other files."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options
        self._session = _session(options["model"])
        self._names = [node.name for node in self._session.get_inputs()]

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        session = self._session
        if padding == model.UNPADDED:
            session = _session(self._options["unpadded"])
        inputs = onnx_inputs.arrays(model.cut(batch, padding), self._names)
        return lambda: session.run(None, inputs)

    def embed(self, texts: list[str]) -> model.Call:
        if "tokenizer" not in self._options:
            return _of_texts(self._options["embedder"], [texts])
        return onnx_inputs.embed(
            lambda inputs: self._session.run(None, inputs),
            names=self._names,
            tokenizer_dir=self._options["tokenizer"],
            texts=texts,
        )

    def classify(self, texts: list[str]) -> model.Call:
        return _of_texts(self._options["classifier"], model.in_batches(texts))


make = OnnxRuntime


def _of_texts(path: str, batches: list[list[str]]) -> model.Call:
    """Returns a function that gives batches of texts to a file that tokenizes."""
    session = _session(path, texts=True)
    arrays = [{"sentences": np.array(batch)} for batch in batches]
    return lambda: [session.run(None, inputs) for inputs in arrays]


def _session(path: str, *, texts: bool = False) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = model.NUM_THREADS
    if texts:
        import onnxruntime_extensions  # only what tokenizes needs it

        settings.register_custom_ops_library(onnxruntime_extensions.get_library_path())
    return onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
