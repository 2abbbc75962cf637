"""Reads the graph of a SavedModel as data before anything runs it, and loads it."""
