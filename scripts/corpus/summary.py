"""The summary of a run."""

from collections.abc import Mapping

from scripts.corpus import embedding


def text(counters: Mapping[str, int], *, skipped: int, seconds: float) -> str:
    """Returns the counters and the throughput, one line each.

    Args:
      counters: result of `pipeline.run`.
      skipped: number of shards that were complete before the run.
      seconds: duration of the run, the start of its workers included.
    """
    records = counters.get(embedding.RECORDS, 0)
    computing = counters.get(embedding.MILLISECONDS, 0) / 1000
    lines = {
        "shards": f"{counters.get(embedding.SHARDS, 0):,}",
        "shards skipped, complete before": f"{skipped:,}",
        embedding.RECORDS: f"{records:,}",
        embedding.TEXTS_CUT: f"{counters.get(embedding.TEXTS_CUT, 0):,}",
        embedding.TEXT_BYTES: f"{counters.get(embedding.TEXT_BYTES, 0):,}",
        **{
            name: f"{number:,}"
            for name, number in sorted(counters.items())
            if name.startswith(embedding.BAD_RECORDS)
        },
        "seconds": f"{seconds:.1f}",
        "seconds in the embedder, all workers": f"{computing:.1f}",
        "records a second": f"{records / seconds:,.0f}" if records else "-",
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items())
