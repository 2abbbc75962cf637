"""`tf.function(jit_compile=True)` around the callable."""

import tensorflow as tf
import tensorflow_hub as hub

from benchmarks.portability import parts
from benchmarks.portability.consumers import hub_load


def run(folder: str, part: parts.Part) -> parts.Arrays:
    call = part.callable_in(hub.load(part.directory(folder)))
    compiled = tf.function(lambda inputs: call(inputs), jit_compile=True)
    return parts.flat(compiled(hub_load.inputs(part)))
