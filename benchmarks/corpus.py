"""Measures the cost of embed_corpus relative to calling the embedder in a plain loop.

    python -m benchmarks.corpus --embedder exports/embedder/1 --input corpus.txt

Both get the same batches and one thread of TensorFlow, and take turns in one process. CPU time is
measured, because other work disturbs it less than elapsed time. The pipeline's time includes the
start of Beam, loading the embedder, reading, sorting and writing.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from absl import flags

from export.cli import runner

if TYPE_CHECKING:
    from scripts.corpus import plan, shards

_EMBEDDER = flags.DEFINE_string("embedder", None, "Folder of an exported embedder.", required=True)
_INPUT = flags.DEFINE_string("input", None, "Text file with one text per line.", required=True)
_BATCH_BYTES = flags.DEFINE_integer("batch_bytes", 16_384, "--batch_bytes of embed_corpus.")
_NUM_SHARDS = flags.DEFINE_integer("num_shards", 16, "--num_shards of embed_corpus.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Interleaved rounds.", lower_bound=1)


def main() -> None:
    from scripts.corpus import models, plan, records, shards  # not for --help: they need Beam

    read_options = records.ReadOptions(records.TEXT, "", "", max_record_bytes=1_000_000)
    model = plan.read_model(_EMBEDDER.value)
    num_shards = _NUM_SHARDS.value
    planned = plan.make(
        [_INPUT.value], read_options=read_options, num_shards=num_shards, model=model
    )
    settings = shards.Settings(
        read_options=read_options,
        model=models.Settings(
            folder=_EMBEDDER.value,
            task=models.EMBED,
            max_seq_length=model["max_seq_length"],
            has_pairs=False,
            threads=1,
        ),
        output="",
        num_shards=num_shards,
        batch_bytes=_BATCH_BYTES.value,
    )
    batches = list(_batches(planned, settings))
    texts = sum(map(len, batches))
    embed = models.Model(settings.model)
    for batch in batches[:: max(len(batches) // 20, 1)]:  # warm up with short and long texts
        embed(batch, [])
    shares = []
    for _ in range(_ROUNDS.value):
        loop = _cpu_seconds(lambda: [embed(batch, []) for batch in batches])
        run = _cpu_seconds(lambda: _run(planned, settings))
        shares.append(loop / run)
        print(
            f"{texts:,} texts in {len(batches):,} batches: loop {texts / loop:,.0f} and pipeline "
            f"{texts / run:,.0f} a second of CPU, share {loop / run:.3f}",
            flush=True,
        )
    print(f"median share: {statistics.median(shares):.3f}")


def _batches(planned: "plan.Plan", settings: "shards.Settings") -> Iterator[list[bytes]]:
    """Yields the batches that the pipeline's workers would make."""
    from scripts.corpus import batching, records, shards

    for _, ranges in planned.shards():
        found = (record for one in ranges for record in records.read(one, planned.read_options))
        good = (record for record in found if isinstance(record, records.Record))
        for window in shards.windows(good):
            lengths = [len(record.text) for record in window]
            for batch in batching.by_length(lengths, budget=settings.batch_bytes):
                yield [window[index].text for index in batch]


def _run(planned: "plan.Plan", settings: "shards.Settings") -> None:
    from scripts.corpus import pipeline

    with tempfile.TemporaryDirectory() as folder:
        options = pipeline.options("FnApiRunner", [], cluster="", num_shards=planned.num_shards)
        pipeline.run(planned.shards(), settings._replace(output=folder), options)


def _cpu_seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    runner.run(main)
