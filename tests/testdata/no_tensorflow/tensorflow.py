"""Precedes TensorFlow on the path of processes that must not import it."""

raise RuntimeError("TensorFlow was imported")
