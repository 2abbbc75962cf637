"""Options and fixtures of all tests."""

import os

import pytest

from tests.support import golden, processes, shared_run


def pytest_addoption(parser):
    parser.addoption("--stress", action="store_true", help="Run the long fuzz tests in full.")


def pytest_configure(config):
    if config.getoption("--stress"):
        os.environ["ALBERT_TESTS_STRESS"] = "1"  # modules read it, to say what they run over
    if not hasattr(config, "workerinput"):  # the process that starts the workers, or the only one
        config.add_cleanup(shared_run.start(processes.environment()))


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items):
    for item in items:
        if "stress" in item.fixturenames:
            item.add_marker(pytest.mark.stress)


@pytest.fixture(scope="session")
def golden_root():
    """Folder with a complete copy of every golden model. Tests must not write into it."""

    def make(folder):
        for model in golden.MODELS.values():
            golden.copy(model, folder)
        return folder

    return shared_run.once("golden_copies", make)


@pytest.fixture(scope="session")
def stress(request):
    """Whether the long fuzz tests run in full."""
    return request.config.getoption("--stress")


@pytest.fixture(scope="session")
def tiny_encoder():
    """Returns an encoder of size `tiny`, exported by the command. Tests must not write into it."""
    return processes.exported("export.encoder", "--config", "tiny")


@pytest.fixture(scope="session")
def tiny_classifier():
    """Returns a tiny encoder with a new `.classify`, exported by the command."""
    return processes.exported(
        *("export.encoder", "--config", "tiny", "--model_name", "tiny_classifier"),
        *("--new_head", "classify", "--labels", "no,yes,maybe"),
    )


@pytest.fixture(scope="session")
def tiny_preprocessor():
    """Returns a preprocessor, exported by the command. Tests must not write into it."""
    return processes.exported("export.preprocessor")


@pytest.fixture(scope="session")
def tiny_embedder(tiny_encoder, tiny_preprocessor):
    """Returns an embedder of the two, exported by the command. Tests must not write into it."""
    return processes.exported(
        "export.embedder",
        *("--encoder", tiny_encoder, "--preprocessor", tiny_preprocessor),
        *("--model_name", "tiny_embedder", "--pooling", "mean"),
    )
