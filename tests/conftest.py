"""Options and fixtures of all tests."""

import pytest

from tests.support import golden, processes


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


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """An encoder of size `tiny`, exported by the command. Tests must not write into it."""
    folder = tmp_path_factory.mktemp("tiny_encoder")
    return processes.export("export.encoder", "--config", "tiny", cwd=folder)


@pytest.fixture(scope="session")
def tiny_preprocessor(tmp_path_factory):
    """A preprocessor, exported by the command. Tests must not write into it."""
    folder = tmp_path_factory.mktemp("tiny_preprocessor")
    return processes.export("export.preprocessor", cwd=folder)


@pytest.fixture(scope="session")
def tiny_embedder(tiny_encoder, tiny_preprocessor, tmp_path_factory):
    """An embedder of the two, exported by the command. Tests must not write into it."""
    return processes.export(
        "export.embedder",
        *("--encoder", tiny_encoder, "--preprocessor", tiny_preprocessor),
        *("--model_name", "tiny_embedder", "--pooling", "mean"),
        cwd=tmp_path_factory.mktemp("tiny_embedder"),
    )
