"""LiteRT, with its default: XNNPACK."""

from collections.abc import Mapping
from typing import Any

from ai_edge_litert import interpreter

from benchmarks.peers.workers import model, onnx_inputs


class LiteRT:
    """An interpreter, and on first use that of `unpadded`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options
        self._runner = _runner(options["model"], "serving_default")

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        run = self._runner
        if padding == model.UNPADDED:
            run = _runner(self._options["unpadded"], "unpadded")
        inputs = onnx_inputs.arrays(model.cut(batch, padding), batch)
        return lambda: run(**inputs)


make = LiteRT


def _runner(path: str, signature: str) -> Any:
    loaded = interpreter.Interpreter(path, num_threads=model.NUM_THREADS)
    return loaded.get_signature_runner(signature)
