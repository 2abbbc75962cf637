"""A session of `tf.compat.v1`, in which TensorFlow 1 loads SavedModels."""

import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from benchmarks.portability import parts


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], part.directory(folder))
        signature = meta_graph.signature_def[part.signature]
        fetches = {name: info.name for name, info in signature.outputs.items()}
        feed = {signature.inputs[name].name: array for name, array in part.arrays().items()}
        return session.run(fetches, feed)
