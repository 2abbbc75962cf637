"""The table of features names what exists here, and links to sources for the others.

`feature_tests` names a test for each feature. No link is fetched.
"""

import re

import pytest

from tests.support import feature_tests, processes

ROOT = processes.REPOSITORY
PAGE = ROOT / "docs" / "reference" / "features.md"
TEXT = PAGE.read_text(encoding="utf-8")
CONTRACT = (ROOT / "docs" / "reference" / "artifacts.md").read_text(encoding="utf-8")

# By column, what the links begin with: sources and documents at a tag or a commit.
_TRANSFORMERS = "https://github.com/huggingface/transformers/blob/v5.24.0/"
SOURCES = {
    "TF Hub": (
        "https://github.com/tensorflow/tfhub.dev/blob/0dda30a97551c9c07fae45c40cf8080add8f94df/",
        "https://github.com/tensorflow/hub/blob/",
    ),
    "Model Garden": ("https://github.com/tensorflow/models/blob/v2.18.0/",),
    "KerasHub": (
        "https://github.com/keras-team/keras-hub/blob/v0.32.0/",
        "https://github.com/keras-team/keras/blob/v3.15.1/",
    ),
    "transformers": (
        _TRANSFORMERS,
        "https://github.com/huggingface/optimum-onnx/blob/v0.1.0/",
        "https://github.com/huggingface/optimum-intel/blob/v2.1.0/",
        "https://github.com/huggingface/transformers.js/blob/93a8f0160014936c12bf1c5ee49c63eee2867183/",
    ),
    "sentence-transformers": (
        "https://github.com/huggingface/sentence-transformers/blob/v6.2.0/",
        _TRANSFORMERS,
    ),
}


def _rows():
    """Returns feature, our cell, and the other cells by column, of every row of every table."""
    rows = []
    for table in re.findall(r"^\| \| here \|.*\n(?:\|.*\n)+", TEXT, re.MULTILINE):
        head, _, *lines = [line.strip("|").split("|") for line in table.splitlines()]
        for line in lines:
            feature, ours, *others = [cell.strip() for cell in line]
            columns = [name.strip() for name in head[2:]]
            rows.append((feature, ours, dict(zip(columns, others, strict=True))))
    return rows


ROWS = _rows()
DEFINITIONS = re.findall(r"^\[([\w-]+)\]: (\S+)$", TEXT, re.MULTILINE)
URLS = dict(DEFINITIONS)


def _code(cell):
    return re.findall(r"`([^`]+)`", cell)


def _is_command(code):
    return re.match(r"(export|scripts)\.", code) is not None


# Parses command lines as the commands do, in a fork for each command: several define one flag.
_PARSE = """
import importlib, itertools, os, sys
from absl import flags
from export import api  # what most commands import

for module, lines in itertools.groupby(sorted(sys.argv[1:]), lambda line: line.split()[0]):
    if os.fork():
        os.wait()
        continue
    for line in lines:
        try:
            path = importlib.util.find_spec(module).submodule_search_locations
            importlib.import_module(module + (".__main__" if path else ""))
            for name in flags.FLAGS:
                flags.FLAGS[name].validators.clear()  # flags that are required may be left out
            flags.FLAGS(line.split())
        except Exception as error:
            print(line, error, sep=": ", flush=True)
    os._exit(0)
"""
_WRONG = ["export.nothing", "export.verify DIR --nothing", "export.convert --to nothing"]


def test_commands_parse_and_wrong_ones_do_not():
    commands = {code for _, ours, _ in ROWS for code in _code(ours) if _is_command(code)}
    env = processes.environment(without_tensorflow=True)
    done = processes.python("-c", _PARSE, *commands, *_WRONG, env=env)
    assert done.returncode == 0, done.stderr
    failed = {line.partition(": ")[0] for line in done.stdout.splitlines()}
    assert failed == set(_WRONG), done.stdout


def test_a_cell_of_ours_is_no_or_names_commands_attributes_and_pages():
    """`test_documents` follows its links."""
    for feature, ours, _ in ROWS:
        assert ours == "no" or _code(ours) or "](" in ours, feature
        for code in _code(ours):
            if "/" in code and not _is_command(code):
                assert (ROOT / code).is_file(), code
            elif not _is_command(code):
                assert re.search(rf"{re.escape(code)}\b", CONTRACT), (
                    f"{code} is not in the contract"
                )


def test_every_feature_has_a_test_that_exists():
    assert {feature for feature, ours, _ in ROWS if ours != "no"} == set(feature_tests.TESTS)
    for feature, test in feature_tests.TESTS.items():
        path, _, name = test.partition("::")
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{feature}: {test}"


@pytest.mark.parametrize("column", SOURCES)
def test_every_cell_of_others_links_to_a_source_at_a_version(column):
    for feature, _, others in ROWS:
        cell = others[column]
        labels = re.findall(r"\[[^]]+\]\[([\w-]+)\]", cell)
        assert re.fullmatch(r"\[[^]]+\]\[[\w-]+\](, \[[^]]+\]\[[\w-]+\])*", cell), (feature, cell)
        for label in labels:
            assert URLS[label].startswith(SOURCES[column]), (feature, cell)


def test_every_link_is_used_and_defined_once():
    used = set(re.findall(r"\]\[([\w-]+)\]", TEXT))
    assert sorted(label for label, _ in DEFINITIONS) == sorted(used)
    assert len(set(URLS.values())) == len(URLS)
    assert all(re.search(r"/blob/(v\d|[0-9a-f]{40}/)", url) for url in URLS.values())
