"""Rules of the code that a machine can hold. import-linter (setup.cfg) holds who imports whom."""

import ast
import functools
import sys

import pytest

from tests.support import processes

SOURCES = sorted(
    path
    for package in ("configs", "preprocess", "export", "scripts", "benchmarks")
    for path in (processes.REPOSITORY / package).rglob("*.py")
)
TESTS = sorted((processes.REPOSITORY / "tests").rglob("*.py"))
COMMANDS = {
    "export.all",
    "export.encoder",
    "export.preprocessor",
    "export.embedder",
    "export.text_model",
    "export.convert",
    "export.verify",
}


def _name(path):
    return path.relative_to(processes.REPOSITORY).as_posix()


@functools.cache
def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def teardown_module():
    _tree.cache_clear()  # 100 MB


def _imports(tree):
    """Yields every module that is imported, `from a import b` as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_source_files_stay_under_300_lines():
    lines = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: count for name, count in lines.items() if count >= 300} == {}


def test_functions_stay_within_40_lines_without_their_docstring():
    too_long = []
    for path in SOURCES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = node.body[1:] if ast.get_docstring(node) else node.body
                if first and node.end_lineno - first[0].lineno >= 40:
                    too_long.append(f"{_name(path)}: {node.name}")
    assert too_long == []


def test_modules_say_what_they_are():
    assert [_name(path) for path in SOURCES if not ast.get_docstring(_tree(path))] == []


def test_commands_can_be_interrupted_before_they_import_anything_else():
    commands = [path for path in SOURCES if "\n    runner.run(main" in path.read_text("utf-8")]
    assert len(commands) > len(COMMANDS)
    first = (
        "if __name__ == '__main__':\n    from export.cli import early_interrupts\n"
        "    early_interrupts.end_in_one_line()"
    )
    assert [_name(path) for path in commands if ast.unparse(_tree(path).body[1]) != first] == []


def test_tests_import_no_command():
    assert [_name(path) for path in TESTS if COMMANDS & set(_imports(_tree(path)))] == []


@pytest.mark.parametrize(
    "modules",
    [
        "configs.albert_config, configs.errors",
        "preprocess.vocabulary.sentencepiece_model",
        "export.publishing.publish, export.metadata.manifest, configs.hub_api",
        "export.cli.export_flags, export.cli.runner",
        "export.artifacts.encoder_spec",
        "export.api",
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


# It is the place; what was just written is loaded; one file without this project; workers have not
# got the project, and load what their launcher has read.
LOADERS = {
    "export/saved_models/loading.py",
    "export/publishing/load_check.py",
    "export/keras3.py",
    "scripts/corpus/models.py",
}


def test_savedmodels_are_loaded_in_one_place():
    found = {
        _name(path)
        for path in SOURCES
        if not _name(path).startswith("benchmarks/")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("hub.load", "saved_model.load", "load_model"))
    }
    assert found == LOADERS


def test_no_module_takes_a_name_of_the_standard_library_or_says_nothing():
    for path in SOURCES:
        if path.parent.name != "steps":  # named as the attributes of the artifact: `tokenize`
            assert path.stem not in sys.stdlib_module_names, _name(path)
        assert path.stem not in ("utils", "util", "common", "core", "helpers", "base", "misc")


def test_there_are_at_most_14_modules_directly_in_export():
    assert len(list((processes.REPOSITORY / "export").glob("*.py"))) <= 14


def test_tests_are_never_skipped_silently_and_never_sleep():
    for path in TESTS:
        tree = _tree(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in ("time.sleep", "sleep"), _name(path)
                if name in ("pytest.skip", "pytest.mark.skip"):
                    assert node.args or node.keywords, _name(path)
