"""Shows the results as Markdown, and as data for the plot."""

import dataclasses
from typing import Any

from benchmarks.peers import (
    artifacts,
    claims,
    engines,
    inputs,
    measurements,
    operations,
    overview,
    rounds,
    spreads,
    work_items,
)

_METRICS = {
    "seconds": ("time", "s"),
    "ready_seconds": ("load and first call", "s"),
    "load_seconds": ("load", "s"),
    "first_call_seconds": ("first call after loading", "s"),
    "import_seconds": ("import of the engine", "s"),
    "peak_bytes": ("peak memory", "MB"),
    "saved_model_pb_bytes": ("saved_model.pb", "MB"),
    "artifact_bytes": ("all files", "MB"),
}
_UNIT_SIZES = {"s": 1.0, "MB": 1e6}
_NUM_TEXTS = {
    "text_1": 1,
    "text_256": 256,
    "label_1": 1,
    "label_256": 256,
    "preprocess_sentences": 256,
    "preprocess_documents": 64,
}

_NOTES = """\
Medians over interleaved rounds; low to high in brackets. 2 threads per engine, ALBERT {size},
random weights. Machine: {machine}. Runs in parts have rounds of their own. A ratio is an engine's
value divided by that of the best of our engines of a type in the same round: above 1, ours is
better. "Of the machine's rate" is useful operations per second divided by the rate of matrix
products ({float32} in float32, {bfloat16} in bfloat16) in the same round and the engine's type.
Operations: {operations}

"Longest": the batch is cut to its longest row before the engine gets it. "Unpadded": the engine
gets the batch padded to {seq_length} and computes only its tokens. Realistic lengths: lognormal,
{tokens} tokens in 32 rows, the longest {longest}. Peak memory of a training step, and of a load
with a first call, is that of the whole process."""


def markdown(results: rounds.Results) -> str:
    """Returns the page."""
    measured = measurements.Measurements(results.measurements, results.gemm_rates)
    sections = ["# Benchmark", _notes(results.machine, measured)]
    claim_rows = _claim_rows(measured)
    if claim_rows:
        head = ["claim", "against", "at least", "measured", "holds"]
        sections += ["## Claims", _table(head, claim_rows)]
    for title, (head, *rows) in overview.tables(measured).items():
        sections += [f"## {title}", _table(head, rows)]
    for item in work_items.WORK_ITEMS:
        for metric in item.metrics:
            rows = _rows(measured, item, metric)
            if rows:
                title = f"## {item.title}: {_METRICS[metric][0]}"
                sections += [title, _table(_head(measured, item), rows)]
    if results.failures:
        lines = [
            f"- {found['engine']}, {found['item']}: {found['reason']}" for found in results.failures
        ]
        sections += ["## Failures", "\n".join(lines)]
    return "\n\n".join(sections) + "\n"


def plot_data(results: rounds.Results) -> list[dict[str, Any]]:
    """Returns the panels of the plot: a title, and the spread of each engine's ratio to ours.

    A panel shows the first metric of an item, relative to ours of the same type if there is one.
    """
    measured = measurements.Measurements(results.measurements, results.gemm_rates)
    panels = []
    for item in work_items.WORK_ITEMS:
        bars = []
        for engine in measured.engines_of(item.name):
            values = measured.series(item.name, engine.name, item.metrics[0])
            factors = spreads.ratios(values, _reference(measured, item, engine))
            if factors:
                bar = {"engine": engine.name, "ours": engine.ours, "dtype": engine.dtype}
                bars.append({**bar, **dataclasses.asdict(spreads.spread(factors))})
        if bars:
            panels.append({"title": item.title, "bars": bars})
    return panels


def _notes(machine: str, measured: measurements.Measurements) -> str:
    rates = {
        dtype: f"{spreads.spread(found).median / 1e9:.0f} GFLOP/s" if found else "not measured"
        for dtype in engines.DTYPES
        for found in [measured.rates(dtype)]
    }
    rows, seq_length = inputs.lengths()["b32_realistic"]
    assert operations.__doc__
    formula = " ".join(operations.__doc__.split("\n\n", 1)[1].split())
    return _NOTES.format(
        machine=machine,
        size=artifacts.SIZE,
        operations=formula,
        tokens=sum(rows),
        longest=max(rows),
        seq_length=seq_length,
        **rates,
    )


def _claim_rows(measured: measurements.Measurements) -> list[list[str]]:
    titles = {item.name: item.title for item in work_items.WORK_ITEMS}
    rows = []
    for claim in claims.CLAIMS:
        found = claims.check(claim, measured)
        if found:
            rows.append(
                [
                    f"{claim.engine}: {titles[claim.item]}, {_METRICS[claim.metric][0]}",
                    claim.against,
                    f"{claim.at_least:g}",
                    _factor(found.measured),
                    "yes" if found.holds else "**no**",
                ]
            )
    return rows


def _types(measured: measurements.Measurements, item: work_items.WorkItem) -> list[str]:
    """Returns the types that our engines computed the item in."""
    found = {engine.dtype for engine in measured.engines_of(item.name) if engine.ours}
    return [dtype for dtype in engines.ALL_DTYPES if dtype in found]


def _head(measured: measurements.Measurements, item: work_items.WorkItem) -> list[str]:
    last = "texts per second" if item.name in _NUM_TEXTS else "of the machine's rate"
    last = "tokens per second" if item.kind == engines.PRETRAIN else last
    ratios = [f"ratio to our best in {dtype}" for dtype in _types(measured, item)]
    return ["engine", "rounds", "median", *ratios, last]


def _rows(
    measured: measurements.Measurements, item: work_items.WorkItem, metric: str
) -> list[list[str]]:
    unit = _METRICS[metric][1]
    rows = []
    for engine in measured.engines_of(item.name):
        values = measured.series(item.name, engine.name, metric)
        if not values:
            continue
        found = spreads.spread([value / _UNIT_SIZES[unit] for value in values.values()])
        row = [
            engine.name,
            str(len(values)),
            f"{found.median:.3g} {unit} ({found.low:.3g}-{found.high:.3g})",
        ]
        for dtype in _types(measured, item):
            ours = measured.best_of_ours(item.name, dtype, metric)
            factors = spreads.ratios(values, ours)
            row.append(_factor(spreads.spread(factors)) if factors else "")
        rows.append([*row, _last(measured, item, engine, metric)])
    return rows


def _last(
    measured: measurements.Measurements,
    item: work_items.WorkItem,
    engine: engines.Engine,
    metric: str,
) -> str:
    if metric != "seconds":
        return ""
    count = _NUM_TEXTS.get(item.name, 0)
    if item.kind == engines.PRETRAIN:
        count = sum(inputs.lengths()[item.input][0])
    if count:
        seconds = measured.series(item.name, engine.name, metric)
        return f"{count / spreads.spread(list(seconds.values())).median:.3g}"
    shares = measured.shares(item, engine)
    return _factor(spreads.spread(list(shares.values()))) if shares else ""


def _reference(
    measured: measurements.Measurements, item: work_items.WorkItem, engine: engines.Engine
) -> measurements.Series:
    """Returns the best of ours to compare with: of the same type if there is one."""
    types = _types(measured, item)
    dtype = engine.dtype if engine.dtype in types else (types or [engine.dtype])[0]
    return measured.best_of_ours(item.name, dtype, item.metrics[0])


def _factor(found: spreads.Spread) -> str:
    return f"{found.median:.2f} ({found.low:.2f}-{found.high:.2f})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
