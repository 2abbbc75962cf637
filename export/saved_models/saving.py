"""Saving a SavedModel without leaving anything in the temporary folder.

Example:
    saving.save(module, "dir", signatures={"serving_default": function})
"""

import sys
from typing import Any

import tensorflow as tf


def save(root: tf.train.Checkpoint | tf.Module, directory: str, *, signatures: Any) -> None:
    """Calls `tf.saved_model.save` without writing Python's bytecode.

    TensorFlow converts its wrapper of each signature by AutoGraph, even under `do_not_convert`: it
    imports a file from the temporary folder, and removes the file, but not its bytecode.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        tf.saved_model.save(root, directory, signatures=signatures)
    finally:
        sys.dont_write_bytecode = before
