"""Writes each kind of SavedModel."""
