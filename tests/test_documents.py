"""The documents are short, their links lead somewhere, and their Python snippets run."""

import ast
import importlib.util
import os
import re

import pytest

from scripts import docs_hooks
from tests.support import processes, sampling, text_models

ROOT = processes.REPOSITORY
TOP = [ROOT / name for name in ("README.md", "BUILD_NOTES.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [*TOP, ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md", *PAGES]
# Folders of the checkout that a path in a document may begin with.
_FOLDERS = r"(?:benchmarks|configs|docs|examples|export|hosting|preprocess|scripts|tests)"
_FENCE = re.compile(r"^```(\w*).*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _snippets(path, language):
    text = path.read_text(encoding="utf-8")
    return [body for found, body in _FENCE.findall(text) if found == language]


def _anchors(path):
    """Returns the anchors of a page's headings, as GitHub and mkdocs make them of plain words."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("name", ["README.md", "BUILD_NOTES.md"])
def test_the_first_documents_are_short(name):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 120


def test_decisions_that_are_replaced_say_so_wherever_they_are_listed():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "index.md").read_text(encoding="utf-8").splitlines()
    notes = (ROOT / "BUILD_NOTES.md").read_text(encoding="utf-8")
    replaced = 0
    for page in folder.glob("0*.md"):
        found = re.search(r"(?:Replaced|Superseded) by \[(\d+)\]", page.read_text(encoding="utf-8"))
        if not found:
            continue
        replaced += 1
        old, new = page.name[:4], found[1]
        (other,) = folder.glob(f"{new}-*.md")
        assert re.search(rf"(?:Replaces|Supersedes) \[{old}\]", other.read_text(encoding="utf-8"))
        assert any(f"[{old}]" in line and f"Replaced by {new}" in line for line in index)
        assert re.search(rf"\[{new}\].*replaces \[{old}\]", notes), f"BUILD_NOTES.md: {old}"
    assert replaced


def _texts():
    """Yields the path of each document, and its text."""
    for path in DOCUMENTS:
        yield path, path.read_text(encoding="utf-8")


def test_relative_links_lead_to_files_and_headings():
    broken = []
    for path, text in _texts():
        for link in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text)):
            if "://" in link:
                continue
            target, _, anchor = link.partition("#")
            file = path.parent / target if target else path
            if not file.exists() or (anchor and anchor not in _anchors(file)):
                broken.append(f"{_name(path)} links to {link}")
    assert broken == []


def test_named_files_exist():
    """Files that a document names are in the repository."""
    found = [
        (_name(path), name)
        for path, text in _texts()
        for name in re.findall(rf"`({_FOLDERS}/[\w./-]+)`", text)
    ]
    assert found and [one for one in found if not (ROOT / one[1]).exists()] == []


def test_named_modules_exist():
    """Modules and files in `python -m module` and `python file` exist."""
    for path, text in _texts():
        for module in re.findall(rf"python -m ({_FOLDERS}[\w.]*)", text):
            assert importlib.util.find_spec(module), f"{_name(path)} names {module}"
        for name in re.findall(rf"python ({_FOLDERS}/[\w/]+\.py)", text):
            assert (ROOT / name).is_file(), f"{_name(path)} names {name}"


def test_named_tests_exist():
    """Test files that a document names exist, and `-k WORD` selects tests in them."""
    for path, text in _texts():
        for name in re.findall(r"tests/[\w/]+\.py", text):
            assert (ROOT / name).is_file(), f"{_name(path)} names {name}"
        for command in re.findall(r"python -m pytest ([^`\n]*)", text):
            for name, word in re.findall(r"(tests/[\w/]+\.py) -k (\w+)", command):
                tests = _tests(ROOT / name, stress="--stress" in command)
                assert any(word in test for test in tests), f"{_name(path)} has: {command}"


def _tests(path, *, stress):
    """Returns the names of a file's tests, without `stress` only of those that run without it."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    marks = [one for one in body if ast.unparse(one).startswith("pytestmark = ")]
    tests = [one for one in body if getattr(one, "name", "").startswith("test_")]
    return [
        one.name
        for one in tests
        if stress or "mark.stress" not in " ".join(map(ast.unparse, marks + one.decorator_list))
    ]


def test_every_command_is_in_the_reference():
    assert {"export.encoder", "export.release", "scripts.embed_corpus"} <= set(
        docs_hooks.commands()
    )
    page = docs_hooks.on_page_markdown("before\n\n[[module configs.errors]]\n")
    assert page.startswith("before\n") and "class VersionExistsError" in page


_LONG = (
    "convert.md",
    "fine-tune.md",
    "several-workers.md",
    "explain.md",
    "export.md",
    "embed-a-corpus.md",
)
_WITH_SNIPPETS = [path for path in (ROOT / "README.md", *PAGES) if _snippets(path, "python")]


@sampling.parametrize(
    "path",
    _WITH_SNIPPETS,
    # But for those that take longest.
    sample=[path for path in _WITH_SNIPPETS if path.name not in _LONG],
    ids=_name,
)
def test_snippets_run(
    path,
    tiny_encoder,
    tiny_onnx,
    tiny_litert,
    tiny_openvino,
    tiny_classifier,
    tiny_preprocessor,
    tiny_embedder,
    tmp_path,
    request,
):
    """In one process for each page, each snippet with names of its own."""
    exports = tmp_path / "exports"
    explained = request.getfixturevalue("tiny_explained") if path.name == "explain.md" else None
    for name, artifact in {
        "albert_en_large": tiny_encoder,
        "albert_en_large-onnx": tiny_onnx,
        "albert_en_large-litert": tiny_litert,
        "albert_en_large-openvino": tiny_openvino,
        "albert_large_v2": tiny_encoder,
        "my_classifier": tiny_classifier,
        **({"my_explained": explained} if explained else {}),
        "my_classifier_text": text_models.directory("single"),
        "albert_large_v2_preprocess": tiny_preprocessor,
        "albert_en_preprocess": tiny_preprocessor,
        "my_explained_preprocess": tiny_preprocessor,
        "albert_en_large_embedder": tiny_embedder,
    }.items():
        (exports / name).mkdir(parents=True)
        (exports / name / "1").symlink_to(os.path.abspath(artifact))
    program = "\n".join(f"exec({snippet!r}, {{}})" for snippet in _snippets(path, "python"))
    done = processes.python("-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
