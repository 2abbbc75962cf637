"""Options and fixtures of all tests."""

import gc

import hypothesis
import pytest

from tests.support import golden, processes, shared_run


def pytest_addoption(parser):
    parser.addoption("--stress", action="store_true", help="Run the long tests in full.")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # the process that starts the workers, or the only one
        without = processes.environment(without_tensorflow=True)
        config.add_cleanup(shared_run.start(processes.environment(), without))
    stress = config.getoption("--stress")
    options = {"max_examples": 300 if stress else 5, "derandomize": not stress}
    hypothesis.settings.register_profile("project", deadline=None, database=None, **options)
    hypothesis.settings.load_profile("project")


def pytest_collection_finish():
    gc.freeze()  # modules stay; the collector need not look at them again and again
    gc.set_threshold(20_000, 10, 20)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before `-m` selects, and after the random order
def pytest_collection_modifyitems(config, items):
    only_stress = [item for item in items if item.get_closest_marker("stress")]
    if only_stress and not config.getoption("--stress"):
        config.hook.pytest_deselected(items=only_stress)
        items[:] = [item for item in items if not item.get_closest_marker("stress")]
    for item in items:
        by_hypothesis = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if by_hypothesis or "stress" in item.fixturenames:
            item.add_marker(pytest.mark.stress)
    yield
    items.sort(key=_worker)


def _worker(item):
    """Returns a number such that tests that load the same artifacts mostly have one worker.

    Workers begin with equal parts of the list, and take over from the end of each other's.
    """
    if hasattr(item.module, "text_models") or hasattr(item.module, "text_table"):
        return 0
    return 2 if hasattr(item.module, "table") else 1


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
    """Whether the long tests run in full."""
    return request.config.getoption("--stress")


@pytest.fixture(scope="session")
def tiny_encoder():
    """Returns an encoder of size `tiny`, exported by the command. Tests must not write into it."""
    return processes.exported("export.encoder", "--config", "tiny")


@pytest.fixture(scope="session")
def loaded_encoder(tiny_encoder):
    """Returns it, loaded by TensorFlow Hub. Tests must not change its variables."""
    import tensorflow_hub  # the process that starts the workers does without

    return tensorflow_hub.load(str(tiny_encoder))


@pytest.fixture(scope="session")
def tiny_onnx(tiny_encoder):
    """Returns it in ONNX, converted by the command. Tests must not write into it."""
    return processes.exported(
        *("export.convert", tiny_encoder, "--to", "onnx", "--signature", "mlm,unpadded")
    )


@pytest.fixture(scope="session")
def tiny_litert(tiny_encoder):
    """Returns it in LiteRT, converted by the command. Tests must not write into it."""
    pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")
    return processes.exported("export.convert", tiny_encoder, "--to", "litert")


@pytest.fixture(scope="session")
def tiny_openvino(tiny_encoder):
    """Returns it in OpenVINO's format, converted by the command. Tests must not write into it."""
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    return processes.exported(
        *("export.convert", tiny_encoder, "--to", "openvino", "--signature", "mlm,unpadded")
    )


@pytest.fixture(scope="session")
def tiny_classifier():
    """Returns a tiny encoder with a new `.classify`, exported by the command."""
    return processes.exported(
        *("export.encoder", "--config", "tiny", "--model_name", "tiny_classifier"),
        *("--new_head", "classify", "--labels", "no,yes,maybe"),
    )


@pytest.fixture(scope="session")
def tiny_explained():
    """Returns it with attention as an output and embeddings as input, exported by the command."""
    return processes.exported(
        *("export.encoder", "--config", "tiny", "--model_name", "tiny_explained"),
        *("--new_head", "classify", "--labels", "no,yes,maybe"),
        *("--attention_outputs", "--from_embeddings"),
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
