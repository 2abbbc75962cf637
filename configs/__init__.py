"""What is exported, as data. Imports no TensorFlow."""

__version__ = "0.2.0"
