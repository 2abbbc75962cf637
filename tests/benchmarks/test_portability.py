"""Consumers that no other test loads, and failures that the matrix must report.

XLA, sessions, saved_model_cli, `hub.KerasLayer` and Keras 3 have tests of their own.
"""

import json
import os
import sys

import numpy as np
import pytest
import tensorflow_hub as hub

from benchmarks import virtual_environments
from benchmarks.portability import environments, matrix, parts, reference, run_consumer, table
from configs import errors
from tests.support import processes, shared_run


@pytest.fixture(scope="module")
def folder(tiny_encoder, tmp_path_factory):
    """Returns a folder as `make portability` makes it, but only with the encoder."""
    folder = tmp_path_factory.mktemp("portability")
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / parts.ENCODER).symlink_to(tiny_encoder)
    reference.write(str(folder), parts.PARTS["encoder"])
    return str(folder)


def _consumer(module, names):
    (found,) = (consumer for consumer in matrix.CONSUMERS if consumer.module == module)
    assert set(names) <= set(found.parts)
    return matrix.Consumer(
        title=found.title, module=module, parts=names, float32_limit=found.float32_limit
    )


@pytest.mark.stress  # examples/test_several_workers.py has a sample of the longest
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("mirrored_strategy", ".unpadded.mlm"),
        ("keras_3_mirrored", ".unpadded.mlm"),
        ("lite_rt", "encoder"),
        ("multi_worker", ".unpadded.mlm"),
        ("multi_worker_loop", "encoder"),
        ("keras_3_multi_worker_loop", ".unpadded.mlm"),
        ("parameter_server", "encoder"),
    ],
)
def test_consumer_agrees_with_hub_load(module, name, folder, monkeypatch):
    for variable, value in processes.environment().items():
        monkeypatch.setenv(variable, value)  # so that processes are forks
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    if name != "encoder":
        reference.write(folder, parts.PARTS[name])
    consumer = _consumer(module, (name,))
    python = os.environ[shared_run.PYTHON]
    found = matrix.measure(consumer, python=python, folder=folder)["parts"][name]
    assert "error" not in found, found
    assert found["difference"] <= consumer.limit(name)


@pytest.mark.stress
def test_training_moves_far_more_than_the_limit(folder):
    """Otherwise a consumer that trains nothing would agree with the reference."""
    part = parts.PARTS["encoder"]
    limit = matrix.CONSUMERS[0].limit("encoder")
    with np.load(part.reference(folder)) as arrays:
        moved = [
            variable.name
            for variable in hub.load(part.directory(folder)).variables
            for array in parts.trained({variable.name: variable}).items()
            if np.abs(arrays[array[0]] - array[1]).max() > 50 * limit
        ]
    # Queries and keys hardly influence an untrained model.
    assert len(moved) == 21


def _outputs(folder, **changes):
    with np.load(parts.PARTS["encoder"].reference(folder)) as arrays:
        return {"pooled_output": arrays["pooled_output"], **changes}


@pytest.mark.stress
def test_run_consumer_finds_the_largest_difference(folder):
    part = parts.PARTS["encoder"]
    outputs = _outputs(folder)
    assert run_consumer.difference(outputs, folder, part) == 0.0
    outputs["pooled_output"] = outputs["pooled_output"].copy()
    outputs["pooled_output"][2, 5] += 0.25
    assert run_consumer.difference(outputs, folder, part) == pytest.approx(0.25, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pooled_output": np.zeros([parts.B, 1])}, "pooled_output has shape"),
        ({"pooled_output": np.full([parts.B, 32], np.nan)}, "pooled_output is not finite"),
    ],
)
@pytest.mark.stress
def test_run_consumer_refuses_what_cannot_be_compared(changes, message, folder):
    with pytest.raises(ValueError, match=message):
        run_consumer.difference(_outputs(folder, **changes), folder, parts.PARTS["encoder"])


@pytest.mark.stress
def test_run_consumer_refuses_a_consumer_that_computes_nothing(folder):
    with pytest.raises(ValueError, match="nothing"):
        run_consumer.difference({}, folder, parts.PARTS["encoder"])


@pytest.mark.stress
def test_an_error_is_told_by_its_first_line(folder):
    """The folder has no preprocessor."""
    consumer = matrix.Consumer(title="", module="hub_load", parts=("encoder", "preprocessor"))
    found = matrix.measure(consumer, python=sys.executable, folder=folder)["parts"]
    assert found["encoder"]["difference"] <= consumer.limit("encoder")
    assert "preprocessor" in found["preprocessor"]["error"]


def _results(**found):
    by_part = {part: {"difference": 0.0} for part in parts.PARTS} | found
    versions = {"tensorflow": "2.21.0", "tensorflow-hub": "0.16.1"}
    return {
        environment: {
            consumer.module: {
                "versions": versions,
                "parts": {part: by_part[part] for part in consumer.parts},
            }
            for consumer in matrix.CONSUMERS
            if environment in consumer.environments
        }
        for environment in (*environments.ENVIRONMENTS, matrix.PINNED)
    }


def _row(text, title):
    (row,) = (line for line in text.splitlines() if line.startswith(f"| {title} |"))
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_table_shows_differences_and_reasons():
    reason = "ValueError: cannot"
    text = table.markdown(_results(encoder={"difference": 2e-7}, preprocessor={"error": reason}))
    assert _row(text, "OpenVINO, from the SavedModel") == [
        "2e-07",
        "·",
        "·",
        "·",
        "0",
        "no, (1)",
        "0",
    ]
    assert "| TensorFlow 2.21.0, hub 0.16.1 |" in text
    assert text.splitlines()[-1] == f"1. ``{reason}``"


def test_table_tells_what_was_not_run_from_what_has_no_meaning():
    results = _results()
    del results["openvino"]["open_vino"]
    cells = _row(table.markdown(results), "OpenVINO, from the SavedModel")
    assert cells == ["not run", "·", "·", "·", "not run", "not run", "not run"]


def test_table_does_not_name_the_machine():
    error = "RuntimeError: Op type not registered 'A' in binary running on host. Make sure the Op"
    text = table.markdown(_results(preprocessor={"error": error}))
    assert text.splitlines()[-1] == "1. ``RuntimeError: Op type not registered 'A'``"


def test_problems_are_differences_above_the_limit_of_their_kind():
    assert table.problems(_results()) == []
    found = table.problems(
        _results(**{"encoder": {"difference": 5e-5}, "bfloat16 encoder": {"difference": 5e-5}})
    )
    assert "XLA in pinned: encoder differs by 5.0e-05" in found
    assert not any("bfloat16" in problem for problem in found)
    assert not any(problem.startswith("OpenVINO") for problem in found)
    assert any(
        problem.startswith("OpenVINO")
        for problem in table.problems(_results(encoder={"difference": 2e-4}))
    )


def test_section_of_the_page_is_replaced_and_nothing_else():
    page = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    replaced = table.replace_section(page, "new")
    assert replaced == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"
    assert table.replace_section(replaced, "new") == replaced


@pytest.mark.parametrize("page", ["", table.BEGIN, f"{table.END}{table.BEGIN}"])
def test_a_page_without_the_section_is_refused(page):
    with pytest.raises(errors.InputError, match="once each"):
        table.replace_section(page, "new")


def test_the_page_of_the_documents_has_the_section():
    page = processes.REPOSITORY / "docs" / "reference" / "portability.md"
    text = page.read_text(encoding="utf-8")
    assert "new" in table.replace_section(text, "new")


def test_a_python_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    environment = environments.Environment(pythons=("3.1",), requirements=())
    monkeypatch.setitem(environments.ENVIRONMENTS, "old", environment)
    with pytest.raises(errors.InputError, match=r"python3\.1 with venv is needed"):
        environments.make("old", directory=str(tmp_path / "venvs"))


def test_commands_flags_are_checked_before_anything_is_made(tmp_path):
    done = processes.run(
        "benchmarks.portability", "--only=nothing", "--output_dir", tmp_path / "out", cwd=tmp_path
    )
    assert processes.error(done) == "--only has unknown names: nothing"
    assert list(tmp_path.iterdir()) == []


def test_a_known_fault_is_a_reason_while_the_difference_is_there(tmp_path):
    consumer = matrix.Consumer(
        title="", module="faulty", parts=("encoder",), faults={"encoder": "gathers wrongly"}
    )
    for difference, expected in ((0.5, {"error": "wrong: gathers wrongly"}), (0.0, None)):
        found = {"versions": {}, "parts": {"encoder": {"difference": difference}}}
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\necho '{json.dumps(found)}'\n")
        python.chmod(0o755)
        measured = matrix.measure(consumer, python=str(python), folder=str(tmp_path))
        assert measured["parts"]["encoder"] == (expected or {"difference": 0.0})


def test_npm_packages_are_installed_as_soon_as_there_is_npm(tmp_path, monkeypatch):
    """Programs that write down their arguments take the place of Python and npm."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    log = tmp_path / "log"
    for name, command in (("npm", ""), ("python3", 'mkdir -p "$3/bin"')):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {log}\n{command}\n')
        program.chmod(0o755)
    for packages in ((), ("a@1",), ("a@1",)):
        virtual_environments.make(
            "js",
            python=str(tmp_path / "python3"),
            installs=[],
            npm_packages=packages,
            directory=str(tmp_path / "venvs"),
            log_dir=str(tmp_path),
        )
    root = tmp_path / "venvs" / "js"
    made = f"python3 -m venv {root}"
    npm = f"npm install --prefix {root} --ignore-scripts a@1"
    assert log.read_text().splitlines() == [made, made, npm]


def test_a_page_does_not_lose_the_results_of_consumers_that_are_not_run(tmp_path):
    done = processes.run(
        "benchmarks.portability",
        *("--only=xla", "--output_dir", tmp_path / "out", "--page", tmp_path / "page.md"),
        cwd=tmp_path,
    )
    assert "no results to keep on the page" in processes.error(done)
    assert "lite_rt in pinned" in done.stderr and "xla in pinned" not in done.stderr
    assert list(tmp_path.iterdir()) == []
