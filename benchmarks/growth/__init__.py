"""Measures how time and memory grow with length, batch, size, threads, shapes and corpora."""
