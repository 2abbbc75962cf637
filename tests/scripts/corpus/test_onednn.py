"""oneDNN is on or off as a batch of the corpus is faster, and stays so in a resumed run."""

import json
import pathlib
import re

import pytest

from scripts.corpus import models, onednn, records
from tests.support import processes

OPTIONS = records.ReadOptions(records.TEXT, "", "", 1_000_000)


def _settings(folder):
    return models.Settings(
        folder=str(folder), task="embed", max_seq_length=32, has_pairs=False, threads=1
    )


def test_the_batch_has_texts_of_the_median_length(tmp_path):
    lines = [b"a" * 10] * 100 + [b"b" * 100] * 300 + [b"c" * 3000]
    path = tmp_path / "a.txt"
    path.write_bytes(b"\n".join(lines))
    ranges = [(str(path), 0, path.stat().st_size)]
    texts, pairs = onednn.batch(ranges, OPTIONS, has_pairs=False)
    assert set(texts) == {b"b" * 100} and 10 < len(texts) <= 40 and pairs == []
    assert onednn.batch([], OPTIONS, has_pairs=False) == ([], [])


@pytest.mark.parametrize(
    ("with_it", "without", "expected"),
    [(1.0, 2.0, onednn.ON), (2.0, 1.0, onednn.OFF), (None, 1.0, "")],
)
def test_the_faster_one_is_taken(with_it, without, expected, monkeypatch):
    seconds = {onednn.ON: with_it, onednn.OFF: without}
    monkeypatch.setattr(onednn, "_seconds", lambda content, value: seconds[value])
    said = []
    found = onednn.choose(_settings("model"), ([b"a"], []), trust=False, log=said.append)
    assert found == expected
    assert len(said) == (1 if expected else 0)


@pytest.mark.stress
def test_a_model_is_tried_with_both_values(tiny_embedder):
    said = []
    texts = ([b"The river rose slowly."] * 8, [])
    found = onednn.choose(_settings(tiny_embedder), texts, trust=False, log=said.append)
    assert found in (onednn.ON, onednn.OFF)
    assert re.match(
        r"a batch of 8 texts takes [\d.e-]+ s with oneDNN and [\d.e-]+ s without", said[0]
    )


@pytest.mark.stress
def test_a_resumed_run_keeps_what_it_began_with(tiny_embedder, tmp_path):
    (tmp_path / "a.txt").write_text("One.\nTwo.\n")
    options = ("--model", tiny_embedder, "--input", "a.txt", "--input_format", "text")

    def run(*more):
        done = processes.run(
            "scripts.embed_corpus",
            *options,
            "--output",
            "out",
            "--num_shards",
            1,
            *more,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr

    run("--onednn", "off")
    run()
    recorded = json.loads(pathlib.Path(tmp_path, "out/plan.json").read_text())
    assert recorded["onednn"] == onednn.OFF
