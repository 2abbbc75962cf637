"""Progress is what the published files say."""

import json

import pyarrow as pa
from pyarrow import parquet

from scripts.corpus import models, progress, records, shards


def _publish(folder, number, counters):
    path = folder / shards.file_name("tag", number, 3)
    path.parent.mkdir(exist_ok=True)
    table = pa.table({"id": ["a"]})
    metadata = {shards.COUNTERS: json.dumps(counters)}
    parquet.write_table(table.replace_schema_metadata(metadata), path)


def _settings(folder):
    read_options = records.ReadOptions("text", "", "", 100)
    model = models.Settings("model", "tag", 48, has_pairs=False, threads=1)
    return shards.Settings(read_options, model, str(folder), 3, 100)


def test_shards_are_counted_once_when_they_appear(tmp_path):
    settings = _settings(tmp_path)
    _publish(tmp_path, 0, {"records": 1000})  # by an earlier run
    lines = []
    reporter = progress.Progress(settings, [(1, []), (2, [])], log=lines.append)
    assert not reporter.update()
    _publish(tmp_path, 2, {"records": 1500, "texts cut": 7})
    assert reporter.update() and not reporter.update()
    assert reporter.line(3.0) == "1 of 2 shards, 1,500 records, 500 a second"
    assert [path[-27:] for path in reporter.missing] == ["/part-00001-of-00003.parquet"[1:]]
    _publish(tmp_path, 1, {"records": 1})
    assert reporter.update()
    assert (reporter.num_published, reporter.missing) == (2, set())
    assert dict(reporter.counters) == {"records": 1501, "texts cut": 7}
    assert lines == []


def test_a_run_says_that_it_goes_on_ever_less_often_until_a_shard_appears(tmp_path):
    lines = []
    reporter = progress.Progress(_settings(tmp_path), [(0, []), (1, [])], log=lines.append)
    with reporter.watching():
        pass
    assert lines == ["2 shards to do; the workers start and load the model"]

    def looks(count):
        """Returns the numbers of the looks that logged a line."""
        with_lines = []
        for number in range(1, count + 1):
            lines.clear()
            reporter.look()
            with_lines += [number] * len(lines)
        return with_lines

    assert looks(10) == [1, 3, 7]
    _publish(tmp_path, 1, {"records": 5})
    assert looks(3) == [1, 2]
    assert reporter.num_published == 1
