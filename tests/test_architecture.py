"""The rules of the house that a machine can hold: who imports whom, and how long a file is."""

import ast
import sys

import pytest

from tests.support import processes

PACKAGES = ("configs", "preprocess", "export")
# Package to what it may import, of those above: one way only.
ALLOWED = {
    "configs": {"configs"},
    "preprocess": {"configs", "preprocess"},
    "export": {"configs", "preprocess", "export"},
}
SOURCES = sorted(
    path
    for package in (*PACKAGES, "scripts")
    for path in (processes.REPOSITORY / package).rglob("*.py")
)
TESTS = sorted((processes.REPOSITORY / "tests").rglob("*.py"))


def _name(path):
    return path.relative_to(processes.REPOSITORY).as_posix()


def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imports(tree):
    """Yields every module that is imported, `from a import b` as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_command(path):
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in _tree(path).body
    )


each_source = pytest.mark.parametrize("path", SOURCES, ids=_name)


@each_source
def test_imports_point_one_way(path):
    package = path.relative_to(processes.REPOSITORY).parts[0]
    for imported in _imports(_tree(path)):
        top = imported.split(".")[0]
        assert top != "tests"
        assert top != "scripts" or package == "scripts"
        if package in ALLOWED and top in PACKAGES:
            assert top in ALLOWED[package], f"{_name(path)} imports {imported}"


@each_source
def test_source_files_stay_under_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300


@each_source
def test_modules_say_what_they_are(path):
    assert ast.get_docstring(_tree(path))


def test_nobody_imports_a_command():
    commands = {
        _name(path).removesuffix(".py").replace("/", ".") for path in SOURCES if _is_command(path)
    }
    assert {"export.encoder", "export.preprocessor", "export.verify"} <= commands
    for path in (*SOURCES, *TESTS):
        assert not commands & set(_imports(_tree(path))), _name(path)


@pytest.mark.parametrize(
    "modules",
    [
        "configs.albert_config, configs.errors",
        "preprocess.vocabulary.sentencepiece_model",
        "export.publishing.publish, export.metadata.manifest, configs.hub_api",
        "export.cli.export_flags, export.cli.runner",
        "export.artifacts.encoder_spec",
        "export.release.run",
    ],
)
def test_what_checks_the_users_input_imports_no_tensorflow(modules):
    done = processes.python(
        "-c",
        f"import {modules}",
        cwd=processes.REPOSITORY,
        env=processes.environment(without_tensorflow=True),
    )
    assert done.returncode == 0, done.stderr


def test_no_module_takes_a_name_of_the_standard_library_or_says_nothing():
    for path in SOURCES:
        if path.parent.name != "steps":  # named as the attributes of the artifact: `tokenize`
            assert path.stem not in sys.stdlib_module_names, _name(path)
        assert path.stem not in ("utils", "util", "common", "core", "helpers", "base", "misc")


def test_tests_are_never_skipped_silently_and_never_sleep():
    for path in TESTS:
        tree = _tree(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in ("time.sleep", "sleep"), _name(path)
                if name in ("pytest.skip", "pytest.mark.skip"):
                    assert node.args or node.keywords, _name(path)
