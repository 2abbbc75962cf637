"""Examples in docstrings name modules, attributes and arguments that exist."""

import ast
import re

import pytest

from tests.support import processes

PACKAGES = ("configs", "preprocess", "export", "scripts", "benchmarks")
PATHS = sorted(
    path for package in PACKAGES for path in (processes.REPOSITORY / package).rglob("*.py")
)
_EXAMPLE = re.compile(r"^( *)Example:\n((?:\1 {4}.*\n|\n)+)", re.MULTILINE)


def _definitions(path):
    """Returns, by name, the definition of everything that a module defines at its top."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {n.id: None for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name.split(".")[0]: None for alias in node.names}
    return found


MODULES = {path.stem: _definitions(path) for path in PATHS if path.stem != "__init__"}


def _arguments(definition):
    """Returns the names that a function or a class can be called with; None if unknown."""
    if isinstance(definition, ast.ClassDef):
        methods = [n for n in definition.body if isinstance(n, ast.FunctionDef)]
        (init,) = [n for n in methods if n.name == "__init__"] or [None]
        if init is None:  # a dataclass or a named tuple
            return {n.target.id for n in definition.body if isinstance(n, ast.AnnAssign)}
        definition = init
    if not isinstance(definition, ast.FunctionDef):
        return None
    arguments = definition.args
    return {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def problems(code):
    """Returns what an example names that is not there."""
    found = []
    tree = ast.parse(code)
    local = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not _is_read(n)}
    for node in ast.walk(tree):
        call = node if isinstance(node, ast.Call) else None
        attribute = call.func if call else node
        if not (isinstance(attribute, ast.Attribute) and isinstance(attribute.value, ast.Name)):
            continue
        module = attribute.value.id
        if module in local or module not in MODULES:
            continue
        if attribute.attr not in MODULES[module]:
            found.append(f"{module}.{attribute.attr} does not exist")
        elif call:
            known = _arguments(MODULES[module][attribute.attr])
            given = {keyword.arg for keyword in call.keywords if keyword.arg}
            if known is not None and given - known:
                found.append(f"{module}.{attribute.attr} takes no {', '.join(given - known)}")
    return found


def _is_read(name):
    return isinstance(name.ctx, ast.Load)


def _examples(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            for match in _EXAMPLE.finditer((ast.get_docstring(node) or "") + "\n"):
                yield re.sub(rf"(?m)^{match[1]} {{4}}", "", match[2])


EXAMPLES = [(path, code) for path in PATHS for code in _examples(path)]


@pytest.mark.parametrize(("path", "code"), EXAMPLES, ids=lambda value: getattr(value, "stem", ""))
def test_an_example_names_what_exists(path, code):
    assert not problems(code), path


def test_there_are_examples():
    assert len(EXAMPLES) > 70


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("api.export_all()", "api.export_all does not exist"),
        ("api.export_encoder(name='x')", "api.export_encoder takes no name"),
        ("check.Check(law='x')", "check.Check takes no law"),
    ],
)
def test_a_stale_example_is_found(code, problem):
    assert problems(code) == [problem]
