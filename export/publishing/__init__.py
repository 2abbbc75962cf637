"""Puts a version in place: complete and checked, or not at all."""
