"""Keeps the bytecode of what TensorFlow generates out of the temporary folder.

Example:
    with bytecode.not_written():
        tf.saved_model.save(module, "dir", signatures={"serving_default": function})
"""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def not_written() -> Iterator[None]:
    """A context in which Python writes no bytecode of what is imported.

    AutoGraph imports files from the temporary folder, and removes them, but not their bytecode.
    TensorFlow converts its wrapper of each signature by it, even under `do_not_convert`, and Keras
    2 the calls of layers.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
