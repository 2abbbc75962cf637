"""Modules that run in the engines' virtual environments, which have neither the toolchain nor absl.

Each module's `make(options)` returns a `model.Model`.
"""
