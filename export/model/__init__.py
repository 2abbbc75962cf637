"""ALBERT in TensorFlow: variables and computation. Knows no files."""
