"""Examples in docstrings name modules, attributes and arguments that exist."""

import ast
import functools
import re

import pytest

from tests.support import processes

PACKAGES = ("configs", "preprocess", "export", "scripts", "benchmarks")
PATHS = sorted(
    path for package in PACKAGES for path in (processes.REPOSITORY / package).rglob("*.py")
)
_EXAMPLE = re.compile(r"^( *)Example:\n((?:\1 {4}.*\n|\n)+)", re.MULTILINE)


@functools.cache
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
            if path.name == "__init__.py" and isinstance(node, ast.ImportFrom):
                origin = processes.REPOSITORY / f"{node.module.replace('.', '/')}.py"
                defined = _definitions(origin) if origin.is_file() else {}
                found |= {a.name: defined[a.name] for a in node.names if a.name in defined}
    return found


# Commands are programs, and their names are those of what they export.
_COMMANDS = ("encoder", "preprocessor", "embedder", "convert", "verify", "__main__", "__init__")


@functools.cache
def _modules(package):
    """Returns, by name, what the modules of a package, or of the library, define."""
    found = {}
    for path in PATHS:
        top, *parts = path.relative_to(processes.REPOSITORY).parts
        if len(parts) == 1 and path.stem in _COMMANDS:
            continue
        if top == package or top in ("configs", "preprocess", "export"):
            name = path.parent.name if path.stem == "__init__" else path.stem
            definitions = _definitions(path)
            if definitions or path.stem != "__init__":
                found[name] = found.get(name, {}) | definitions
    return found


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
    if arguments.kwarg:
        return None
    return {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def problems(code, package="export"):
    """Returns what an example in a package names that is not there."""
    modules, found = _modules(package), []
    tree = ast.parse(code)
    local = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not _is_read(n)}
    for node in ast.walk(tree):
        call = node if isinstance(node, ast.Call) else None
        attribute = call.func if call else node
        if not (isinstance(attribute, ast.Attribute) and isinstance(attribute.value, ast.Name)):
            continue
        module = attribute.value.id
        if module in local or module not in modules:
            continue
        if attribute.attr not in modules[module]:
            found.append(f"{module}.{attribute.attr} does not exist")
        elif call:
            known = _arguments(modules[module][attribute.attr])
            given = {keyword.arg for keyword in call.keywords if keyword.arg}
            if known is not None and given - known:
                found.append(f"{module}.{attribute.attr} takes no {', '.join(given - known)}")
    return list(dict.fromkeys(found))


def _is_read(name):
    return isinstance(name.ctx, ast.Load)


def _examples(path):
    code = path.read_text(encoding="utf-8")
    if not _EXAMPLE.search(code):
        return
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            for match in _EXAMPLE.finditer((ast.get_docstring(node) or "") + "\n"):
                yield re.sub(rf"(?m)^{match[1]} {{4}}", "", match[2])


def test_examples_name_what_exists():
    examples = [(path, code) for path in PATHS for code in _examples(path)]
    assert len(examples) > 60
    paths = [(path.relative_to(processes.REPOSITORY), code) for path, code in examples]
    assert not [
        f"{path}: {wrong}" for path, code in paths for wrong in problems(code, path.parts[0])
    ]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("api.export_nothing()", "api.export_nothing does not exist"),
        ("api.export_encoder(name='x')", "api.export_encoder takes no name"),
        ("check.Check(law='x')", "check.Check takes no law"),
    ],
)
def test_a_stale_example_is_found(code, problem):
    assert problems(code) == [problem]
