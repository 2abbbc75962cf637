"""Puts a version in place: complete and tried, or not at all."""
