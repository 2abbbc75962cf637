"""Reads, checks and trains vocabularies. Imports no TensorFlow."""
