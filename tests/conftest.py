"""Options and fixtures of all tests."""

import pytest

from tests import golden


def pytest_addoption(parser):
    parser.addoption("--stress", action="store_true", help="Run the long fuzz tests in full.")


@pytest.fixture(scope="session")
def golden_root(tmp_path_factory):
    """Folder with a complete copy of every golden model. Tests must not write into it."""
    root = tmp_path_factory.mktemp("golden")
    for model in golden.MODELS.values():
        golden.copy(model, root)
    return root


@pytest.fixture(scope="session")
def stress(request):
    """Whether the long fuzz tests run in full."""
    return request.config.getoption("--stress")
