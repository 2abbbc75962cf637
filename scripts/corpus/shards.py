"""Runs a text model on one shard of a corpus and publishes it: the step that Beam distributes.

A shard is complete when its Parquet file exists, because its bad records are published first. After
the death of a worker, another may get a complete shard, and leaves it unchanged. The counters of a
shard are in its file, so they are those of every runner, and exact after retries.

The code on workers does not import this project: they need only the packages of
`scripts/corpus/requirements.txt`.
"""

import collections
import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.internal import cloudpickle
from apache_beam.utils import shared
from pyarrow import parquet

from scripts.corpus import batching, models, records, storage

# Number of the shard, and its ranges of files. Plain tuples: see `records.FileRange`.
Shard = tuple[int, list[records.FileRange]]

COUNTERS = b"embed_corpus"  # key of the counters in a file's metadata
RECORDS, BAD_RECORDS = "records", "bad records"
TEXTS_CUT, TEXT_BYTES = "texts cut", "bytes of text"

# Records that are sorted by length together and written as one row group.
_WINDOW = 4096
_WINDOW_BYTES = 1 << 23
# English has 4 to 5 bytes per token. Where the model cuts long texts, their ends cost nothing.
_BYTES_PER_TOKEN = 4


class Settings(NamedTuple):
    """The settings of a worker.

    Attributes:
      read_options: see `records.ReadOptions`.
      model: see `models.Settings`.
      output: output folder.
      num_shards: number of shards of the corpus.
      batch_bytes: see `batching.by_length`.
    """

    read_options: records.ReadOptions
    model: models.Settings
    output: str
    num_shards: int
    batch_bytes: int


def file_name(task: str, number: int, num_shards: int) -> str:
    """Returns the name of a shard's file below the output folder."""
    return f"{models.FOLDERS[task]}/part-{number:05}-of-{num_shards:05}.parquet"


def bad_records_name(number: int, num_shards: int) -> str:
    """Returns the name of the file of a shard's bad records, which exists only if there are any."""
    return f"bad_records/part-{number:05}-of-{num_shards:05}.jsonl"


class PublishShard(beam.DoFn):
    """Publishes `Shard`s, grouped by number; yields nothing."""

    def __init__(self, settings: Settings, of_process: shared.Shared | None = None) -> None:
        self._settings = settings
        self._shared = of_process or shared.Shared()
        self._model: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Runners pickle with different libraries, of which only Beam's was told to add the code.
        return cloudpickle.loads, (cloudpickle.dumps(_WithCode(self._settings, self._shared)),)

    def setup(self) -> None:
        # All threads of the process share the model, and the steps that follow on each other.
        self._model = self._shared.acquire(lambda: models.Model(self._settings.model))

    def process(self, element: tuple[int, Iterable[list[records.FileRange]]]) -> None:
        number, groups = element
        for ranges in groups:  # one
            self._publish(number, ranges)

    def _publish(self, number: int, ranges: list[records.FileRange]) -> None:
        settings = self._settings
        name = file_name(settings.model.task, number, settings.num_shards)
        if storage.exists(settings.output, name):
            return
        counters: collections.Counter[str] = collections.Counter()
        schema = self._columns([], counters).schema
        with (
            storage.published(settings.output, name) as file,
            parquet.ParquetWriter(
                file, schema, compression=_compression(schema), use_dictionary=False
            ) as writer,
            contextlib.ExitStack() as bad_records,
        ):
            for window in windows(self._good(number, ranges, bad_records, counters)):
                writer.write_table(self._columns(window, counters))
            writer.add_key_value_metadata({COUNTERS: json.dumps(counters, sort_keys=True)})

    def _good(
        self,
        number: int,
        ranges: Iterable[records.FileRange],
        bad_records: contextlib.ExitStack,
        counters: collections.Counter[str],
    ) -> Iterator[records.Record]:
        """Yields the good records; leaving `bad_records` publishes the others."""
        settings = self._settings
        file: BinaryIO | None = None
        for file_range in ranges:
            for record in records.read(file_range, settings.read_options):
                if isinstance(record, records.Record):
                    yield record
                    continue
                if file is None:
                    name = bad_records_name(number, settings.num_shards)
                    file = bad_records.enter_context(storage.published(settings.output, name))
                file.write(json.dumps(record._asdict()).encode() + b"\n")
                counters[f"{BAD_RECORDS}: {record.reason}"] += 1

    def _columns(
        self, window: list[records.Record], counters: collections.Counter[str]
    ) -> pa.Table:
        """Returns the ids and the model's outputs, in the window's order, and counts."""
        model = self._settings.model
        lengths = [len(record.text) + len(record.pair) for record in window]
        if model.long_texts == models.CUT:
            longest = model.max_seq_length * _BYTES_PER_TOKEN
            lengths = [min(length, longest) for length in lengths]
        batches = batching.by_length(lengths, budget=self._settings.batch_bytes) or [[]]
        tables = []
        for batch in batches:
            pairs = [window[index].pair for index in batch] if model.has_pairs else []
            table, cut = self._model([window[index].text for index in batch], pairs)
            tables.append(table)
            counters[TEXTS_CUT] += cut
        counters[RECORDS] += len(window)
        counters[TEXT_BYTES] += sum(len(record.text) for record in window)
        order = [index for batch in batches for index in batch]
        position = pa.array(sorted(range(len(order)), key=order.__getitem__), pa.int64())
        outputs = pa.concat_tables(tables).combine_chunks().take(position)
        return outputs.add_column(0, "id", pa.array([record.id for record in window], pa.string()))


class _WithCode:
    """Becomes a `PublishShard` when it is unpickled."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return PublishShard, self._arguments


def _compression(schema: pa.Schema) -> str | dict[str, str]:
    # Random floats do not compress.
    is_vectors = "vector" in schema.names
    return {"id": "zstd", "vector": "none"} if is_vectors else "zstd"


def counters_of(file: BinaryIO) -> dict[str, int]:
    """Returns the counters of a shard, by name, from its file."""
    return json.loads(parquet.read_metadata(file).metadata[COUNTERS])


def windows(good: Iterable[records.Record]) -> Iterator[list[records.Record]]:
    """Splits records into lists that are sorted by length together."""
    window: list[records.Record] = []
    size = 0
    for record in good:
        window.append(record)
        size += len(record.text)
        if len(window) == _WINDOW or size >= _WINDOW_BYTES:
            yield window
            window, size = [], 0
    if window:
        yield window
