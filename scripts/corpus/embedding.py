"""Embeds one shard of a corpus and publishes it: the step that Beam distributes.

A shard is complete when its Parquet file exists, because its bad records are published first. After
the death of a worker, another may get a complete shard, and leaves it unchanged.

The code on workers does not import this project: they need only the packages of
`scripts/corpus/requirements.txt`.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam import metrics
from apache_beam.utils import shared
from pyarrow import parquet

from scripts.corpus import batching, records, storage

# Number of the shard, and its ranges of files. Plain tuples: see `records.FileRange`.
Shard = tuple[int, list[records.FileRange]]

COUNTERS = "embed_corpus"  # namespace of the counters
RECORDS, BAD_RECORDS, SHARDS = "records", "bad records", "shards"
TEXTS_CUT = "texts cut"
TEXT_BYTES, MILLISECONDS = "bytes of text", "milliseconds in the embedder"

# Records that are sorted by length together and written as one row group.
_WINDOW = 4096
_WINDOW_BYTES = 1 << 23
# English has 4 to 5 bytes per token. Where the embedder cuts long texts, their ends cost nothing.
_BYTES_PER_TOKEN = 4
CUT = "cut"
_NUM_SPECIAL_TOKENS = 2  # [CLS] and [SEP]
_TOKENS_PER_BYTE = 6  # at most: U+FDFA, of three bytes, becomes 18 characters


class Settings(NamedTuple):
    """The settings of a worker.

    Attributes:
      read_options: see `records.ReadOptions`.
      output: output folder.
      embedder: folder of the embedder artifact.
      max_seq_length: tokens after which the embedder cuts a text.
      num_shards: number of shards of the corpus.
      batch_bytes: see `batching.by_length`.
      threads: TensorFlow's threads per process; 0 for TensorFlow's choice.
      long_texts: `CUT`, or how the embedder pools the vectors of a long text's parts.
    """

    read_options: records.ReadOptions
    output: str
    embedder: str
    max_seq_length: int
    num_shards: int
    batch_bytes: int
    threads: int
    long_texts: str = CUT


def vectors_name(number: int, num_shards: int) -> str:
    """Returns the name of a shard's vectors below the output folder."""
    return f"vectors/part-{number:05}-of-{num_shards:05}.parquet"


def bad_records_name(number: int, num_shards: int) -> str:
    """Returns the name of the file of a shard's bad records, which exists only if there are any."""
    return f"bad_records/part-{number:05}-of-{num_shards:05}.jsonl"


class EmbedShard(beam.DoFn):
    """Publishes `Shard`s; yields nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shared = shared.Shared()
        self._embed: Any = None

    def setup(self) -> None:
        # All threads of the process share the embedder.
        self._embed = self._shared.acquire(lambda: load(self._settings))

    def process(self, element: Shard) -> None:
        number, ranges = element
        settings = self._settings
        name = vectors_name(number, settings.num_shards)
        if storage.exists(settings.output, name):
            return
        width = self._embed([])[0].shape[1]
        schema = pa.schema({"id": pa.string(), "vector": pa.list_(pa.float32(), width)})
        with (
            storage.published(settings.output, name) as file,
            # Random floats do not compress.
            parquet.ParquetWriter(
                file, schema, compression={"id": "zstd", "vector": "none"}, use_dictionary=False
            ) as writer,
            contextlib.ExitStack() as bad_records,
        ):
            for window in windows(self._good(number, ranges, bad_records)):
                writer.write_table(self._table(window, schema))
        _count(SHARDS, 1)

    def _good(
        self, number: int, ranges: Iterable[records.FileRange], bad_records: contextlib.ExitStack
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
                _count(f"{BAD_RECORDS}: {record.reason}", 1)

    def _table(self, window: list[records.Record], schema: pa.Schema) -> pa.Table:
        settings = self._settings
        lengths = [len(record.text) for record in window]
        if settings.long_texts == CUT:
            longest = settings.max_seq_length * _BYTES_PER_TOKEN
            lengths = [min(length, longest) for length in lengths]
        vectors = np.empty((len(window), schema.field("vector").type.list_size), np.float32)
        cut = 0
        start = time.perf_counter()
        for batch in batching.by_length(lengths, budget=settings.batch_bytes):
            vectors[batch], truncated = self._embed([window[index].text for index in batch])
            cut += int(truncated.sum())
        _count(MILLISECONDS, round(1000 * (time.perf_counter() - start)))
        _count(RECORDS, len(window))
        _count(TEXTS_CUT, cut)
        _count(TEXT_BYTES, sum(len(record.text) for record in window))
        columns = [
            pa.array([record.id for record in window], pa.string()),
            pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), vectors.shape[1]),
        ]
        return pa.table(columns, schema=schema)


def load(settings: Settings) -> Callable[[Sequence[bytes]], tuple[np.ndarray, np.ndarray]]:
    """Returns the embedder, from texts in UTF-8 to float32 [B, H] and bool [B], which were cut."""
    import tensorflow as tf
    import tensorflow_hub as hub
    import tensorflow_text  # noqa: F401, registers the embedder's ops

    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
    embedder = hub.load(settings.embedder)
    # Unlike the object, a signature is not traced and optimized for every size of a batch.
    signature = embedder.signatures["serving_default"]

    room = settings.max_seq_length - _NUM_SPECIAL_TOKENS

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def is_long(sentences: tf.Tensor) -> tf.Tensor:
        return embedder.tokenize(sentences).row_lengths() > room

    def embed(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        outputs = signature(sentences=tf.constant(texts, tf.string))
        vectors = outputs["default"].numpy()
        if "truncated" in outputs:
            return vectors, outputs["truncated"].numpy()
        # The artifact of export.embedder does not say what it cuts.
        may_be_long = np.array([len(text) * _TOKENS_PER_BYTE > room for text in texts], bool)
        if may_be_long.any():
            chosen = [text for text, may_be in zip(texts, may_be_long, strict=True) if may_be]
            may_be_long[may_be_long] = is_long(tf.constant(chosen)).numpy()
        return vectors, may_be_long

    return embed


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


def _count(name: str, number: int) -> None:
    metrics.Metrics.counter(COUNTERS, name).inc(number)
