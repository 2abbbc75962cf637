"""Short English sentences from the documentation of CPython and of the installed packages.

Example:
    sentences = real_sentences.of_python(1000)
"""

import ast
import pathlib
import pydoc_data.topics
import re
import sysconfig
from collections.abc import Iterable, Iterator

_END = re.compile(r"(?<=[.!?:])\s+(?=[A-Z])|\n\s*\n")
_LENGTHS = range(20, 300)  # characters


def of_python(count: int) -> list[str]:
    """Returns different sentences of CPython's language reference, at most 3,000."""
    return _first(_sentences(pydoc_data.topics.topics.values()), count)


def of_docstrings(count: int) -> list[str]:
    """Returns different sentences of the docstrings of CPython and all installed packages."""
    folders = (sysconfig.get_path(name) for name in ("stdlib", "purelib"))
    paths = (path for folder in folders for path in sorted(pathlib.Path(folder).rglob("*.py")))
    return _first(_sentences(_docstrings(paths)), count)


def _first(sentences: Iterable[str], count: int) -> list[str]:
    different: dict[str, None] = {}
    for sentence in sentences:
        different[sentence] = None
        if len(different) == count:
            return list(different)
    raise ValueError(f"there are only {len(different)} sentences")


def _sentences(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for sentence in _END.split(text):
            line = " ".join(sentence.split())
            if len(line) in _LENGTHS:
                yield line


def _docstrings(paths: Iterable[pathlib.Path]) -> Iterator[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for path in paths:
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # tests of parsers
            continue
        for node in ast.walk(tree):
            if isinstance(node, documented):
                yield ast.get_docstring(node) or ""
