"""All results in two tables: a row for each project, runtime and type, a column for each figure.

A row has the better of its engines: of padding and of cutting a batch, of `serving_default` and of
`unpadded`. What is the least of a type in its column is bold.

Example:
    head, *rows = overview.tables(measured)["Inference"]
"""

from typing import NamedTuple

from benchmarks.peers import engines, measurements, spreads


class _Column(NamedTuple):
    title: str
    item: str
    metric: str = "seconds"
    unit: float = 1.0


_TYPES = {engine.worker: engine.dtype for engine in engines.ENGINES}
_TABLES = {
    "Inference": (
        _Column("row of 12, s", "inference_b1_s12"),
        _Column("row of 32, s", "inference_b1_s32"),
        _Column("8 rows of 128, s", "inference_b8_s128"),
        _Column("32 texts, s", "inference_b32_realistic"),
        _Column("text to vector, s", "text_1"),
        _Column("256 texts, s", "text_256"),
        _Column("text to label, s", "label_1"),
        _Column("256 texts, s", "label_256"),
        _Column("load and first call, s", "load", "ready_seconds"),
        _Column("memory, GB", "load", "peak_bytes", 1e9),
        _Column("files, MB", "load", "artifact_bytes", 1e6),
    ),
    "Training and preprocessing": (
        _Column("step, 8 texts, s", "train_b8_realistic"),
        _Column("memory, GB", "train_b8_realistic", "peak_bytes", 1e9),
        _Column("step, 8 rows of 128, s", "train_b8_s128"),
        _Column("memory, GB", "train_b8_s128", "peak_bytes", 1e9),
        _Column("MLM step, 8 texts, s", "pretrain_b8_realistic"),
        _Column("memory, GB", "pretrain_b8_realistic", "peak_bytes", 1e9),
        _Column("MLM step, 8 rows of 128, s", "pretrain_b8_s128"),
        _Column("memory, GB", "pretrain_b8_s128", "peak_bytes", 1e9),
        _Column("preprocessing, 256 sentences, s", "preprocess_sentences"),
        _Column("64 documents, s", "preprocess_documents"),
    ),
}


def tables(measured: measurements.Measurements) -> dict[str, list[list[str]]]:
    """Returns by title a head and rows, without the columns and rows that were not measured."""
    found = {}
    for title, columns in _TABLES.items():
        by_column = [_medians(measured, column) for column in columns]
        shown = [number for number, medians in enumerate(by_column) if medians]
        rows = [
            [_title(engine), *(_cell(engine, by_column[number]) for number in shown)]
            for engine in _one_of_each_worker()
            if any(engine.worker in medians for medians in by_column)
        ]
        if rows:
            found[title] = [["", *(columns[number].title for number in shown)], *rows]
    return found


def _one_of_each_worker() -> list[engines.Engine]:
    first: dict[str, engines.Engine] = {}
    for engine in engines.ENGINES:
        first.setdefault(engine.worker, engine)
    return list(first.values())


def _medians(measured: measurements.Measurements, column: _Column) -> dict[str, float]:
    """Returns the least median of each worker's engines."""
    least: dict[str, float] = {}
    for engine in measured.engines_of(column.item):
        values = measured.series(column.item, engine.name, column.metric)
        if values:
            median = spreads.spread(list(values.values())).median / column.unit
            least[engine.worker] = min(median, least.get(engine.worker, median))
    return least


def _title(engine: engines.Engine) -> str:
    return f"**{engine.name}**" if engine.ours else engine.name


def _cell(engine: engines.Engine, medians: dict[str, float]) -> str:
    if engine.worker not in medians:
        return "-"
    of_type = [value for worker, value in medians.items() if _TYPES[worker] == engine.dtype]
    value = medians[engine.worker]
    return f"**{value:.3g}**" if value == min(of_type) else f"{value:.3g}"
