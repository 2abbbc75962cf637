"""The commands as installed programs: `albert-export-encoder` is `python -m export.encoder`."""

import runpy


def encoder() -> None:
    """Runs `python -m export.encoder`."""
    _run("export.encoder")


def preprocessor() -> None:
    """Runs `python -m export.preprocessor`."""
    _run("export.preprocessor")


def embedder() -> None:
    """Runs `python -m export.embedder`."""
    _run("export.embedder")


def verify() -> None:
    """Runs `python -m export.verify`."""
    _run("export.verify")


def release() -> None:
    """Runs `python -m export.release`."""
    _run("export.release")


def _run(module: str) -> None:
    # As the main module: absl shows the help and the flags of that one.
    runpy.run_module(module, run_name="__main__", alter_sys=True)
