"""Measures the artifacts: speed and memory against other engines, and where they load."""
