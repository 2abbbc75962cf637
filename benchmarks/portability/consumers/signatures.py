"""The signatures, by name."""

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from benchmarks.portability import parts


def run(folder: str, part: parts.Part) -> parts.Arrays:
    signature = hub.load(part.directory(folder)).signatures[part.signature]
    return parts.flat(signature(**{k: tf.constant(v) for k, v in part.arrays().items()}))
