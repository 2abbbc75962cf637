"""`jit_compile=True` around a training step."""

import functools

import tensorflow as tf
import tensorflow_hub as hub

from benchmarks.portability import parts, reference
from benchmarks.portability.consumers import hub_load


def run(folder: str, part: parts.Part) -> parts.Arrays:
    call = part.callable_in(hub.load(part.directory(folder)))
    step = tf.function(functools.partial(reference.train_step, call, part), jit_compile=True)
    for _ in range(parts.STEPS):
        step(hub_load.inputs(part), tf.constant(part.target))
    return parts.trained({variable.name: variable.numpy() for variable in call.variables})
