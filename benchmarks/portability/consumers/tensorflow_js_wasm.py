"""A signature converted by tensorflowjs and run by TensorFlow.js in Node, in WebAssembly."""

from benchmarks.portability import parts
from benchmarks.portability.consumers import tensorflow_js


def run(folder: str, part: parts.Part) -> parts.Arrays:
    return tensorflow_js.run(folder, part, backend="wasm")
