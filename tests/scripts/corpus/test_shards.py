"""The step that Beam distributes writes what transformers' pipelines give, as columns.

The values are recorded, see testdata/text_models/make.py.
"""

import json

import pytest
import tensorflow as tf
import tensorflow_hub as hub
from pyarrow import parquet

from scripts.corpus import models, records, shards
from tests.support import sampling, text_models

ATOL = 1e-5  # of scores


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Returns a function that publishes a corpus as one shard, and reads rows and counters."""

    def publish(name, task, lines, *, pair_field=""):
        path = tmp_path / "in.jsonl"
        path.write_text("\n".join(json.dumps(fields) for fields in lines))
        read_options = records.ReadOptions("jsonl", "text", "id", 10_000, pair_field)
        threads = tf.config.threading.get_intra_op_parallelism_threads()
        model = models.Settings(name, task, 48, has_pairs=bool(pair_field), threads=threads)
        # Many small batches, in another order than that of the texts.
        settings = shards.Settings(read_options, model, str(tmp_path), 1, batch_bytes=300)
        loaded = text_models.load(name)
        monkeypatch.setattr(hub, "load", lambda folder: loaded)
        step = shards.PublishShard(settings)
        step.setup()
        step.process((0, [[(str(path), 0, path.stat().st_size)]]))
        file = tmp_path / shards.file_name(task, 0, 1)
        with file.open("rb") as opened:
            return parquet.read_table(file).to_pylist(), shards.counters_of(opened)

    return publish


def _lines(key):
    return [{"id": row, "text": text} for row, text in enumerate(text_models.expected()[key])]


def _pairs(key, first, second):
    rows = enumerate(text_models.expected()[key])
    return [{"id": row, first: pair[0], second: pair[1]} for row, pair in rows]


@sampling.parametrize("key", ["single", "pairs_of_single"], sample=["single"])
def test_labels_and_their_scores(key, published):
    pairs = key != "single"
    lines = _pairs("pairs", "text", "pair") if pairs else _lines("texts")
    lines.append({"id": "blank", "text": ""})
    rows, counters = published("single", "classify", lines, pair_field="pair" if pairs else "")
    expected = text_models.expected()[key]
    assert [row["id"] for row in rows] == [str(number) for number in range(len(expected))]
    labels = [label.decode() for label in text_models.load("single").labels.numpy()]
    for row, scores in zip(rows, expected, strict=True):
        by_label = {one["label"]: one["score"] for one in scores}
        assert row["scores"] == pytest.approx([by_label[one] for one in labels], abs=ATOL)
        assert row["label"] == max(by_label, key=by_label.__getitem__)
        assert row["score"] == max(row["scores"])
    assert counters["records"] == len(expected)
    assert counters["texts cut"] == sum(row["truncated"] for row in rows) > 0
    assert [counters[name] for name in counters if name.startswith("bad records")] == [1]


@pytest.mark.stress  # another model to load
def test_entities_of_each_text(published):
    rows, _ = published("tag", "tag", _lines("texts"))
    for row, expected in zip(rows, text_models.expected()["tag"], strict=True):
        text = text_models.expected()["texts"][int(row["id"])].encode()
        found = row["entities"]
        assert [one["label"] for one in found] == [one["entity_group"] for one in expected]
        scores = [one["score"] for one in expected]
        assert [one["score"] for one in found] == pytest.approx(scores, abs=ATOL)
        assert all(text[one["start"] : one["end"]].decode() == one["text"] for one in found)
    assert sum(len(row["entities"]) for row in rows) > len(rows)


@pytest.mark.stress  # another model to load
def test_answers_to_the_question_of_each_text(published):
    lines = _pairs("contexts", "question", "text")
    rows, _ = published("answer", "answer", lines, pair_field="question")
    wider = 0
    for row, line, expected in zip(rows, lines, text_models.expected()["answer"], strict=True):
        assert row["id"] == str(line["id"])
        assert row["score"] == pytest.approx(expected["score"], abs=ATOL)
        assert line["text"].encode()[row["start"] : row["end"]].decode() == row["answer"]
        assert expected["answer"] in row["answer"]
        wider += row["answer"] != expected["answer"]
    assert wider == 3  # characters are kept whole: docs/how-to/text-models.md
