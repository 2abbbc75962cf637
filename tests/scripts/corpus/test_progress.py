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


def test_shards_are_counted_once_when_they_appear(tmp_path):
    read_options = records.ReadOptions("text", "", "", 100)
    model = models.Settings("model", "tag", 48, has_pairs=False, threads=1)
    settings = shards.Settings(read_options, model, str(tmp_path), 3, 100)
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
    with reporter.watching():
        pass
    assert lines == []  # nothing has appeared since
