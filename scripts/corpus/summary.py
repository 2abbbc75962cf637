"""The summary of a run."""

from collections.abc import Mapping

from scripts.corpus import shards


def text(counters: Mapping[str, int], *, published: int, skipped: int, seconds: float) -> str:
    """Returns the counters and the throughput, one line each.

    Args:
      counters: those of `shards.counters_of`, of all shards that the run published.
      published: number of these shards.
      skipped: number of shards that were complete before the run.
      seconds: duration of the run, the start of its workers included.
    """
    records = counters.get(shards.RECORDS, 0)
    lines = {
        "shards": f"{published:,}",
        "shards skipped, complete before": f"{skipped:,}",
        shards.RECORDS: f"{records:,}",
        shards.TEXTS_CUT: f"{counters.get(shards.TEXTS_CUT, 0):,}",
        shards.TEXT_BYTES: f"{counters.get(shards.TEXT_BYTES, 0):,}",
        **{
            name: f"{number:,}"
            for name, number in sorted(counters.items())
            if name.startswith(shards.BAD_RECORDS)
        },
        "seconds": f"{seconds:.1f}",
        "records a second": f"{records / seconds:,.0f}" if records else "-",
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items())
