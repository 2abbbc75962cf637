"""A signature converted to LiteRT, run by its interpreter at lengths unknown on conversion."""

import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the preprocessor's ops
from tensorflow.lite.python import convert_phase

from benchmarks.portability import parts


def run(folder: str, part: parts.Part) -> parts.Arrays:
    converter = tf.lite.TFLiteConverter.from_saved_model(
        part.directory(folder), signature_keys=[part.signature]
    )
    try:
        model = converter.convert()
    except convert_phase.ConverterError as error:
        first_line = str(error).splitlines()[0]
        raise RuntimeError(first_line.rpartition("): ")[2]) from error  # without the location
    interpreter = tf.lite.Interpreter(model_content=model)
    return interpreter.get_signature_runner(part.signature)(**part.arrays())
