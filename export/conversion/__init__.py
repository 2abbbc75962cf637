"""Converts SavedModels to other formats, each verified against the SavedModel it comes from."""
