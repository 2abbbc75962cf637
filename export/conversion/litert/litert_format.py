"""The format `litert`: one self-contained file for each signature, under the signature's name.

Example:
    litert_format.write("dir", source=source, signatures=signatures, quantize="int8")
    run = litert_format.load("dir", "serving_default")
    outputs = run(inputs)

With int8, weights are stored in 8 bits, and LiteRT quantizes the rows while it runs ("dynamic
range").
"""

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from configs import errors, tensorflow_paths
from export.conversion import source as sources
from export.conversion.litert import new_axes
from export.saved_models import bytecode

ENDING = ".tflite"

# Precedes a reason: where in the graph, `<unknown>:0: error: loc(callsite(...)): `.
_LOCATION = re.compile(r"<unknown>:0: error: (loc\(.*\): )?")


def write(
    directory: str,
    *,
    source: sources.Source,
    signatures: Sequence[sources.Signature],
    quantize: str,
) -> None:
    """Writes a file for each signature.

    Args:
      directory: where to.
      source: the SavedModel whose graph is converted.
      signatures: which ones.
      quantize: "none", "float16" or "int8".

    Raises:
      errors.InputError: LiteRT has not got what a graph needs.
    """
    if source.compute_dtype != "float32":
        raise errors.InputError(
            f"--to litert needs an encoder that computes in float32, but {source.directory!r} "
            f"computes in {source.compute_dtype}: export it again with --compute_dtype float32"
        )
    # A file for each, because two unpadded ones in a file cannot be converted.
    for signature in signatures:
        with open(os.path.join(directory, sources.file_name(signature.name, ENDING)), "wb") as file:
            file.write(_convert(source, signature, quantize))


def _convert(source: sources.Source, signature: sources.Signature, quantize: str) -> bytes:
    import tensorflow as tf
    from tensorflow.lite.python import convert_phase

    module = tf.Module()
    module.root = source.root  # its variables
    with tempfile.TemporaryDirectory() as folder:
        tensorflow_paths.check_destination(folder, what="the temporary folder (TMPDIR)")
        # Signatures get the names that a SavedModel has for them. What was trained and saved again
        # may have none, and that of an unpadded head never has.
        signatures = {signature.name: source.trace(signature)}
        with bytecode.not_written():
            tf.saved_model.save(module, folder, signatures=signatures)
        new_axes.rewrite(os.path.join(folder, tf.saved_model.SAVED_MODEL_FILENAME_PB))
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=[signature.name]
        )
        if quantize != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            return bytes(converter.convert())
        except convert_phase.ConverterError as error:
            reason = _LOCATION.sub("", errors.first_line(error))
            raise errors.InputError(
                f"--to litert cannot convert {signature.name} of {source.directory!r}: {reason}"
            ) from error


def load(
    directory: str, signature: str
) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns what runs a signature, from inputs by name to outputs by name."""
    from ai_edge_litert import interpreter

    made = interpreter.Interpreter(os.path.join(directory, sources.file_name(signature, ENDING)))
    run = made.get_signature_runner(signature)
    return lambda inputs: dict(run(**inputs))


def manifest_entries() -> dict[str, Any]:
    """Returns what a manifest records of the format."""
    packages = ("tensorflow", "ai-edge-litert")
    return {"runtime": {package: metadata.version(package) for package in packages}}
