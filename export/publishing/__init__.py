"""Publishes a version: complete and checked, or not at all."""
