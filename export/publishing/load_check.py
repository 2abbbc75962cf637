"""A quick check that every version must pass before it is published.

Example:
    load_check.problems("exports/albert_en_large/1")  # [] if it can be used

It restores every function and variable, runs the default signature, and checks the digests.
`export.verify` checks the whole contract and takes longer.
"""

import sys
from typing import Any

from configs import errors, hub_api
from export.metadata import checksums, manifest
from export.metadata.manifest import sample_text


def main() -> None:
    """Runs in the process of `load_check_process`.

    Imports TensorFlow, reads a folder's name from stdin, and prints its problems on one line, which
    is empty if there are none.
    """
    # Libraries may print: only the answer goes to the real stdout.
    answer, sys.stdout = sys.stdout, sys.stderr
    import tensorflow as tf

    # The graph runs once in this process, so optimizing it is not worth the time.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    directory = sys.stdin.readline().rstrip("\n")
    if directory:  # else the exporter is gone
        print(" ".join("; ".join(problems(directory)).split()), file=answer, flush=True)


def problems(directory: str) -> list[str]:
    """Returns what is wrong with an artifact, in a few words each; empty if nothing is."""
    import tensorflow as tf

    if manifest.read(directory).get("custom_ops"):
        import tensorflow_text  # noqa: F401, registers the custom ops
    try:
        root = tf.saved_model.load(directory)  # what hub.load calls
        found = _problems_of(root.signatures[hub_api.SERVING_DEFAULT], text=sample_text(directory))
    except Exception as error:  # TensorFlow raises many types for broken files
        found = [errors.first_line(error)]
    return found + checksums.problems(directory)


def _problems_of(signature: Any, *, text: str) -> list[str]:
    import tensorflow as tf

    _, specs = signature.structured_input_signature
    outputs = signature(**{name: _small_input(name, spec, text) for name, spec in specs.items()})
    return [
        f"output {name!r} is not finite"
        for name, output in outputs.items()
        if output.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(output))
    ]


def _small_input(name: str, spec: Any, text: str) -> Any:
    """Returns one text, or the ids of one token."""
    import tensorflow as tf

    shape = [1] * spec.shape.rank
    if spec.dtype == tf.string:
        return tf.fill(shape, text)
    # Zero is valid as an id, a type and a position in every model.
    return (tf.ones if name == hub_api.INPUT_MASK else tf.zeros)(shape, spec.dtype)
