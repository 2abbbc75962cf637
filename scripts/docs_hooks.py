"""Fills the pages of docs/ that are generated from the code: commands and the Python interface.

mkdocs calls `on_page_markdown` for every page (`hooks` in mkdocs.yml). A line `[[commands]]`
becomes the `--help` of every command, and a line `[[module export.api]]` the public functions and
classes of that module with their docstrings. The project is not imported.
"""

import ast
import concurrent.futures
import inspect
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_FOLDERS = ("export", "scripts")
_MARK = re.compile(r"^\[\[(commands|module ([\w.]+))\]\]$", re.MULTILINE)
_Definition = ast.FunctionDef | ast.ClassDef


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Returns the page with every mark replaced."""
    return _MARK.sub(lambda mark: _module(mark[2]) if mark[2] else _commands(), markdown)


def commands() -> list[str]:
    """Returns the modules that are commands, those of `export` first."""
    return sorted(
        ".".join(path.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__main__")
        for folder in _FOLDERS
        for path in (_ROOT / folder).rglob("*.py")
        if "\nif __name__ == " in path.read_text(encoding="utf-8")
    )


def _commands() -> str:
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        pages = pool.map(_help, commands())
        return "\n\n".join(
            f"## python -m {module}\n\n```text\n{page}\n```"
            for module, page in zip(commands(), pages, strict=True)
        )


def _help(module: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # The path of the checkout differs between machines.
    text = re.sub(rf"^{re.escape(str(_ROOT))}/", "", done.stdout, flags=re.MULTILINE)
    return text.replace("\nTry --helpfull to get a list of all flags.", "").strip()


def _module(name: str) -> str:
    path = _ROOT / (name.replace(".", "/") + ".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    described = [(name, "", ast.get_docstring(tree)), *_public(tree)]
    return "\n\n".join(
        f"{'###' if signature else '##'} `{title}`\n\n```text\n{signature}{text}\n```"
        for title, signature, text in described
        if text
    )


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, str, str | None]]:
    """Yields title, signature and docstring of the public functions, classes and methods."""
    for node in tree.body:
        if not isinstance(node, _Definition) or node.name.startswith("_"):
            continue
        if isinstance(node, ast.FunctionDef):
            yield node.name, f"{_signature(node)}\n\n", ast.get_docstring(node)
            continue
        yield node.name, f"class {node.name}\n\n", ast.get_docstring(node)
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                text = ast.get_docstring(method)
                yield f"{node.name}()", f"{_signature(method)}\n\n", text


def _signature(node: ast.FunctionDef) -> str:
    arguments = ast.unparse(node.args).replace(", ", ",\n    ")
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return inspect.cleandoc(f"{node.name}(\n    {arguments}\n){returns}")
