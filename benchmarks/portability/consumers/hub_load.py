"""`hub.load`, called eagerly."""

from typing import Any

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from benchmarks.portability import parts


def run(folder: str, part: parts.Part) -> parts.Arrays:
    return parts.flat(part.callable_in(hub.load(part.directory(folder)))(inputs(part)))


def inputs(part: parts.Part) -> Any:
    """Returns the inputs as the callable takes them."""
    tensors = {name: tf.constant(array) for name, array in part.arrays().items()}
    return tensors[parts.SENTENCES] if part.is_text else tensors
