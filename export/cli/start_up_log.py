"""Keeps what TensorFlow logs while it is imported away from a command's own lines.

Example:
    start_up_log.hide()  # before the first import of TensorFlow

Its libraries log as they are loaded, before any level can be set: "oneDNN custom operations are
on", "Could not find cuda drivers". Everything else that is written meanwhile is shown afterwards.
A crash of the import itself leaves no message; with TF_CPP_MIN_LOG_LEVEL set nothing is hidden.
Nor does TensorFlow Hub's import of pkg_resources warn, unless Python is told what to show.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

_PACKAGE = "tensorflow"
_LOGGED = re.compile(rb"I0000 |WARNING: All log messages before absl::InitializeLog\(\)")
_DEPRECATED = "pkg_resources is deprecated"  # setup.cfg has the bound that keeps it
_STDERR = 2


def hide() -> None:
    """Hides the log of an import that has not happened yet."""
    if _PACKAGE not in sys.modules:
        sys.meta_path.insert(0, _Finder())
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", _DEPRECATED, UserWarning)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as the others do, and has it executed without its log."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _PACKAGE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_quietly(module: types.ModuleType) -> Any:
                with _without_log():
                    return execute(module)

            spec.loader.exec_module = execute_quietly  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def _without_log() -> Iterator[None]:
    sys.stderr.flush()
    shown = os.dup(_STDERR)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(shown, _STDERR)
            os.close(shown)
            file.seek(0)
            others = [line for line in file if not _LOGGED.match(line)]
            os.write(_STDERR, b"".join(others))
