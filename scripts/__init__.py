"""Glue around the toolchain. Nothing imports it but its own tests."""
