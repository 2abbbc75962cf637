"""Every command that loads SavedModels reads their graphs first, and says how to do without."""

import json
import shutil

import pytest

from configs import errors
from export import api
from export.metadata import checksums
from tests.support import hostile_models, processes, sampling


@pytest.fixture
def hostile(tmp_path):
    """Returns what copies an artifact, with an op more in a function that nothing calls."""

    def make(artifact):
        directory = tmp_path / "hostile"
        shutil.copytree(artifact, directory)

        def change(meta_graph):
            function = meta_graph.graph_def.library.function.add()
            function.signature.name = "never_called"
            function.node_def.add(name="read", op="ReadFile")

        hostile_models.edit(directory, change)
        checksums.write(str(directory))
        return str(directory)

    return make


_REFUSED = "'.*/hostile' is not loaded.*: op 'ReadFile' in function 'never_called'$"


def test_verify_reads_first_unless_it_is_trusted(tmp_path):
    hostile_models.MODELS["an initializer"].write(tmp_path / "model", tmp_path / "canary")
    done = processes.run("export.verify", tmp_path / "model")
    assert "op 'WriteFile' in function '__inference__initializer" in processes.error(done)
    assert not (tmp_path / "canary").exists() and "--trust:" not in done.stderr
    done = processes.run("export.verify", tmp_path / "model", "--trust")
    assert "failed: " in processes.error(done)  # it is not an encoder
    assert (tmp_path / "canary").exists()
    assert "--trust: SavedModels are run without reading their graphs first\n" in done.stderr


def test_verify_reads_the_checkpoint_that_it_runs(hostile, tiny_encoder):
    with pytest.raises(errors.UnsafeModelError, match=_REFUSED):
        api.verify(str(tiny_encoder), checkpoint=hostile(tiny_encoder))


@sampling.parametrize("part", ["encoder", "preprocessor"], sample=["encoder"])
def test_embedders_and_text_models_are_made_of_what_was_read(
    hostile, part, tiny_encoder, tiny_preprocessor, tmp_path
):
    parts = {"encoder": str(tiny_encoder), "preprocessor": str(tiny_preprocessor)}
    parts[part] = hostile(parts[part])
    options = {**parts, "model_name": "m", "export_dir": str(tmp_path / "exports")}
    with pytest.raises(errors.UnsafeModelError, match=_REFUSED):
        api.export_embedder(**options)
    with pytest.raises(errors.UnsafeModelError, match=_REFUSED):
        api.export_text_model(**options)
    assert not list(tmp_path.glob("exports/**/*.pb"))


def test_convert_reads_what_it_converts(hostile, tiny_encoder, tmp_path):
    options = {"model_name": "m", "export_dir": str(tmp_path / "exports")}
    with pytest.raises(errors.UnsafeModelError, match=_REFUSED):
        api.convert(hostile(tiny_encoder), to="onnx", **options)
    assert not list(tmp_path.glob("exports/**/*.onnx"))


def test_a_corpus_is_embedded_by_what_was_read(hostile, tiny_embedder, tmp_path):
    (tmp_path / "corpus.txt").write_text("a text\n")
    done = processes.run(
        "scripts.embed_corpus",
        *("--embedder", hostile(tiny_embedder), "--output", tmp_path / "out"),
        *("--input", tmp_path / "corpus.txt", "--input_format", "text"),
    )
    assert "op 'ReadFile' in function 'never_called'" in processes.error(done)
    assert not (tmp_path / "out").exists()


def test_manifests_that_cannot_be_read_are_clear_errors(tiny_encoder, tmp_path):
    shutil.copytree(tiny_encoder, tmp_path / "encoder")
    for content in ("[" * 10_000, json.dumps([1]), "{"):
        (tmp_path / "encoder" / "assets.extra" / "manifest.json").write_text(content)
        checksums.write(str(tmp_path / "encoder"))
        with pytest.raises(errors.CheckpointError, match=r"manifest\.json"):
            api.verify(str(tmp_path / "encoder"))
